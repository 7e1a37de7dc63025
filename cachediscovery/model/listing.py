"""Builds the listings that clients return from groups and resource lists. Does no I/O itself."""

from __future__ import annotations

from functools import partial

from .._concurrency import run_together
from .discovery_result import DiscoveryResult
from .errors import DiscoveryError, GroupDiscoveryFailed
from .group_version import GroupVersion
from .types import APIGroupList, APIResource, APIResourceList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from .types import APIGroup

# The keys among failed group versions for everything that `/apis` or `/api` would have listed.
ALL_GROUPS = GroupVersion("*", "*")
CORE_GROUP = GroupVersion("", "*")
# The most concurrent requests of one client to one server.
MAX_WORKERS = 96


def merged(api: DiscoveryResult, apis: DiscoveryResult) -> DiscoveryResult:
    """Merge both halves, the core group first. Embedded resources are used only if both halves have them."""
    resources = {} if api.missing or apis.missing else {**api.resources, **apis.resources}
    groups = APIGroupList(api.groups.groups + apis.groups.groups)
    return DiscoveryResult(groups, resources, {**api.failed, **apis.failed})


def all_groups(found: DiscoveryResult) -> APIGroupList:
    """The groups. Raises `GroupDiscoveryFailed`, with them as `result`, if a part could not be listed."""
    missing = {key: error for key, error in found.failed.items() if key in (ALL_GROUPS, CORE_GROUP)}
    if missing:
        raise GroupDiscoveryFailed(missing, found.groups) from next(iter(missing.values()))
    return found.groups


def groups_and_resources(found: DiscoveryResult) -> tuple[list[APIGroup], list[APIResourceList]]:
    """All lists in the order of the groups. Raises `GroupDiscoveryFailed`, with these as `result`, if some failed."""
    result = list(found.groups.groups), found.lists
    if found.failed:
        raise GroupDiscoveryFailed(found.failed, result)
    return result


def preferred_resources(found: DiscoveryResult) -> list[APIResourceList]:
    """Each resource once: in its group's preferred version if that has it, else in the first version that has it.

    There is a list for every group version, even if it is empty. Subresources are left out. Raises
    `GroupDiscoveryFailed`, with these lists as `result`, if some failed.
    """
    lists = []
    for group in found.groups.groups:
        versions = [(key, found.resources[key]) for key in group.group_versions if key in found.resources]
        chosen: dict[str, GroupVersion] = {}
        for group_version, resource_list in versions:
            for resource in resource_list.resources:
                if "/" in resource.name:
                    continue
                if resource.name not in chosen or group_version.version == group.preferred_version.version:
                    chosen[resource.name] = group_version
        for group_version, resource_list in versions:
            # Iterate over the list, not over `chosen`, to keep the server's order.
            kept = tuple([item for item in resource_list.resources if chosen.get(item.name) == group_version])
            lists.append(APIResourceList(resource_list.group_version, kept))
    if found.failed:
        raise GroupDiscoveryFailed(found.failed, lists)
    return lists


def result_of(listing: Callable[[], tuple[list[APIGroup], list[APIResourceList]]]) -> DiscoveryResult:
    """The result of `listing()`, a client's `server_groups_and_resources`, complete or partial."""
    failed: Mapping[GroupVersion, DiscoveryError] = {}
    try:
        groups, lists = listing()
    except GroupDiscoveryFailed as error:
        (groups, lists), failed = error.result, error.failed
    resources = {GroupVersion.parse(found.group_version): found for found in lists}
    return DiscoveryResult(APIGroupList(tuple(groups)), resources, failed)


def namespaced_only(preferred: Callable[[], list[APIResourceList]]) -> list[APIResourceList]:
    """The namespaced resources among those that `preferred()` returns. Keeps both halves of a partial failure."""
    try:
        return filtered_by(lambda _, resource: resource.namespaced, preferred())
    except GroupDiscoveryFailed as error:
        kept = filtered_by(lambda _, resource: resource.namespaced, error.result)
        raise GroupDiscoveryFailed(error.failed, kept) from error


def filtered_by(
    predicate: Callable[[str, APIResource], bool], lists: Iterable[APIResourceList]
) -> list[APIResourceList]:
    """The resources for which `predicate(group_version, resource)` is true. Drops lists that become empty.

    client-go's `FilteredBy`.
    """
    filtered = []
    for resource_list in lists:
        kept = tuple(item for item in resource_list.resources if predicate(resource_list.group_version, item))
        if kept:
            filtered.append(resource_list._replace(resources=kept))
    return filtered


def supports_all_verbs(verbs: Collection[str]) -> Callable[[str, APIResource], bool]:
    """A predicate for `filtered_by`: the resource supports every verb of `verbs`. client-go's `SupportsAllVerbs`."""
    wanted = frozenset(verbs)
    return lambda _, resource: wanted.issubset(resource.verbs)


def fetch_missing(
    found: DiscoveryResult, fetch: Callable[[str], APIResourceList], max_workers: int = MAX_WORKERS
) -> DiscoveryResult:
    """Add the missing resources to `found`: calls `fetch` for each group version, several at a time."""
    resources = dict(found.resources)
    failed = dict(found.failed)

    def fetch_one(group_version: GroupVersion) -> None:
        try:
            resources[group_version] = fetch(str(group_version))
        except DiscoveryError as error:
            failed[group_version] = error

    missing = found.missing
    if missing:
        run_together([partial(fetch_one, group_version) for group_version in missing], max_workers)
    # In the order of the requests, not of the responses.
    failed = {**found.failed, **{key: failed[key] for key in missing if key in failed}}
    return DiscoveryResult(found.groups, resources, failed)
