"""`held_documents`: the documents that a cached client has without asking the server."""

from __future__ import annotations

from ..disk.document_store import GROUPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..model.types import APIGroupList
    from .document_cache import DocumentCache


def held_documents(cache: DocumentCache, stale: float) -> tuple[APIGroupList | None, dict[str, object]]:
    """The groups and the resource lists in memory, and those on disk that expired at most `stale` seconds ago.

    Does not change `cache.fresh`.
    """
    fresh = cache.fresh
    found: dict[str, Any] = dict(cache.in_memory())
    groups: Any = found.pop(GROUPS, None) or (cache.get_expired(GROUPS, stale) or (None,))[0]
    for key in map(str, groups.groups.group_versions) if groups is not None else ():
        read = None if key in found else cache.get_expired(key, stale)
        if read is not None:
            found[key] = read[0]
    cache.fresh = fresh
    return groups.groups if groups is not None else None, found
