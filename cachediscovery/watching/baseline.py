"""`Baseline`: the documents of which a program knows, to tell whether the server's are different."""

from __future__ import annotations

from ..cache.entry import Groups
from ..disk.document_store import GROUPS
from ..model.listing import with_failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..cache.entry import Document
    from ..discovery.interfaces import DiscoveryInterface


class Baseline:
    """Begins with what a client holds; what it does not hold begins with what is first seen of it."""

    def __init__(self, held: Mapping[str, Document]) -> None:
        """`held` has the documents by their key: all, some or none of them."""
        # None for a group version that fails, but did not always.
        self._known: dict[str, object] = {key: _comparable(value) for key, value in held.items()}

    def has_changed(self, client: DiscoveryInterface) -> bool:
        """Whether `client` answers otherwise than when this was last called, or made. Raises `DiscoveryError`."""
        (groups, lists), failed = with_failed(client.server_groups_and_resources)
        now: dict[str, object] = {GROUPS: groups, **{item.group_version: item for item in lists}}
        now.update((str(key), None) for key in failed if str(key) in self._known)
        changed = any(now.get(key) != value for key, value in self._known.items())
        self._known = now
        return changed


def _comparable(document: Document) -> object:
    return list(document.groups.groups) if isinstance(document, Groups) else document
