"""`verify`: whether the documents on disk agree with the server."""

from __future__ import annotations

from ..disk.document_store import GROUPS, DocumentStore
from ..disk.layout import is_url
from ..model.discovery_result import DiscoveryResult
from ..model.documents import group_list_from, parse_object, resource_list_from
from ..model.errors import DiscoveryError
from ..model.fields import MalformedDocument
from ..model.group_version import GroupVersion
from ..model.listing import result_of
from ..model.records import NamedTuple
from ..model.types import APIResourceList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..discovery.interfaces import DiscoveryInterface
    from ..model.types import APIGroup
    from ..shared.inventory import RecordEntry

SAME, DIFFERENT, GONE, MISSING, BROKEN, UNKNOWN = "same", "different", "gone", "missing", "broken", "unknown"
# The states of a wrong cache. A missing document only costs time; an unknown one the server cannot confirm now.
WRONG = (DIFFERENT, GONE, BROKEN)


class Verdict(NamedTuple):
    """The state of one document: its key (a group version, "" for the groups), and one of the words above."""

    key: str
    state: str


def verify(store: DocumentStore, server: DiscoveryInterface, shared: Sequence[RecordEntry] = ()) -> list[Verdict]:
    """Compare every document of `store` with that of `server`, a client without a cache.

    The groups come first, then the others in the server's order, then those only in the cache, then the records
    `shared` with other machines. Raises `DiscoveryError`.
    """
    found = result_of(server.server_groups_and_resources)
    groups, failed = found.groups.groups, found.failed
    kept = {key for key in store.keys() if not is_url(key)} if store.is_of_cluster() else set()
    verdicts = [Verdict(GROUPS, _state_of_groups(store, groups, failed))]
    for group_version in found.groups.group_versions:
        key, served = str(group_version), found.resources.get(group_version)
        if served is not None:
            verdicts.append(Verdict(key, _state_of_resources(store, key, served)))
        kept.discard(key)
    verdicts += [Verdict(str(version), UNKNOWN) for version in failed]
    left = kept - {GROUPS, *map(str, failed)}
    verdicts += [Verdict(key, GONE) for key in sorted(left)]
    for entry in shared:
        # Void and broken records are never used.
        answer = entry.record.answer if entry.record is not None else None
        if isinstance(answer, (DiscoveryResult, APIResourceList)):
            verdicts.append(Verdict(f"{entry.name} (shared)", _state_of_record(entry.name, answer, found)))
    return verdicts


def _state_of_groups(
    store: DocumentStore, groups: Sequence[APIGroup], failed: Mapping[GroupVersion, DiscoveryError]
) -> str:
    stored = store.read(GROUPS)
    if stored is None:
        # Groups are rightly not cached while some of them fail.
        return UNKNOWN if failed else _absent(store, GROUPS)
    try:
        cached = group_list_from(parse_object(stored.data), strict=True)
    except MalformedDocument:
        return BROKEN
    if _comparable_groups(cached.groups) == _comparable_groups(groups):
        return SAME
    return UNKNOWN if failed else DIFFERENT


def _state_of_resources(store: DocumentStore, key: str, served: APIResourceList) -> str:
    stored = store.read(key)
    if stored is None:
        # An empty list is never written.
        return _absent(store, key) if served.resources else SAME
    try:
        cached = resource_list_from(parse_object(stored.data), key, strict=True)
    except MalformedDocument:
        return BROKEN
    return SAME if _comparable(cached) == _comparable(served) else DIFFERENT


def _state_of_record(name: str, answer: DiscoveryResult | APIResourceList, found: DiscoveryResult) -> str:
    if isinstance(answer, APIResourceList):
        served = found.resources.get(GroupVersion.parse(name))
        if served is None:
            return UNKNOWN if found.failed else GONE
        return SAME if _comparable(answer) == _comparable(served) else DIFFERENT
    is_same = _comparable_groups(answer.groups.groups) == _comparable_groups(found.groups.groups) and all(
        key in found.resources and _comparable(value) == _comparable(found.resources[key])
        for key, value in answer.resources.items()
    )
    if is_same:
        return SAME
    return UNKNOWN if found.failed else DIFFERENT


def _absent(store: DocumentStore, key: str) -> str:
    # Another cluster's documents count as missing: they are never used.
    return BROKEN if store.is_of_cluster() and key in store.keys() else MISSING


# Aggregated and unaggregated discovery differ in form and order: compare what both have.


def _comparable_groups(groups: Sequence[APIGroup]) -> dict[str, object]:
    return {group.name: (group.versions, group.preferred_version) for group in groups}


def _comparable(resource_list: APIResourceList) -> dict[str, object]:
    own = GroupVersion.parse(resource_list.group_version)
    return {
        item.name: item._replace(
            group=item.group or ("" if item.version else own.group),
            version=item.version or own.version,
            singular_name="" if "/" in item.name else item.singular_name,
            verbs=tuple(sorted(item.verbs)),
            storage_version_hash="",
        )
        for item in resource_list.resources
    }
