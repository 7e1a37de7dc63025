"""From groups and their resource lists to the listings that callers ask for. Nothing here does I/O itself."""

from __future__ import annotations

from functools import partial

from .._concurrency import run_together
from .errors import DiscoveryError, GroupDiscoveryFailed
from .group_version import GroupVersion
from .types import APIResource, APIResourceList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from typing import TypeVar

    from .types import APIGroup, APIGroupList

    T = TypeVar("T")
    Resources = Mapping[GroupVersion, APIResourceList]
    Failed = Mapping[GroupVersion, DiscoveryError]

# The keys, among failed group versions, of all that `/apis` or `/api` would have listed.
ALL_GROUPS = GroupVersion("*", "*")
CORE_GROUP = GroupVersion("", "*")
# As many requests at a time as one client may have under way against one server.
MAX_WORKERS = 96


def raise_if_partial(groups: APIGroupList, failed: Failed) -> None:
    """Raise `GroupDiscoveryFailed` with the groups as `result`, if a part of them could not be listed."""
    missing = {key: error for key, error in failed.items() if key in (ALL_GROUPS, CORE_GROUP)}
    if missing:
        raise GroupDiscoveryFailed(missing, groups) from next(iter(missing.values()))


def groups_and_resources(
    groups: APIGroupList, resources: Resources, failed: Failed
) -> tuple[list[APIGroup], list[APIResourceList]]:
    """All lists in the order of the groups. Raises `GroupDiscoveryFailed` with the same as `result` if some failed."""
    lists = [resources[group_version] for group_version in groups.group_versions if group_version in resources]
    result = list(groups.groups), lists
    if failed:
        raise GroupDiscoveryFailed(failed, result)
    return result


def preferred_resources(groups: APIGroupList, resources: Resources, failed: Failed) -> list[APIResourceList]:
    """Each resource once: in its group's preferred version if that has it, else in the first version that has it.

    There is a list for every group version, also for one that no resource prefers; subresources are
    left out. Raises `GroupDiscoveryFailed` with the same as `result` if some failed.
    """
    lists = []
    for group in groups.groups:
        versions = [(version, resources[version]) for version in group.group_versions if version in resources]
        chosen: dict[str, GroupVersion] = {}
        for group_version, resource_list in versions:
            for resource in resource_list.resources:
                if "/" in resource.name:
                    continue
                if resource.name not in chosen or group_version.version == group.preferred_version.version:
                    chosen[resource.name] = group_version
        for group_version, resource_list in versions:
            # A comprehension over the list, not over `chosen`: the order is the server's.
            kept = tuple([item for item in resource_list.resources if chosen.get(item.name) == group_version])
            lists.append(APIResourceList(resource_list.group_version, kept))
    if failed:
        raise GroupDiscoveryFailed(failed, lists)
    return lists


def with_failed(listing: Callable[[], T]) -> tuple[T, Failed]:
    """What `listing()` returns, or the part of it that was found; and the group versions that failed."""
    try:
        return listing(), {}
    except GroupDiscoveryFailed as error:
        return error.result, error.failed


def namespaced_only(preferred: Callable[[], list[APIResourceList]]) -> list[APIResourceList]:
    """The namespaced resources of what `preferred()` returns, both halves of a partial failure kept."""
    try:
        return filtered_by(lambda _, resource: resource.namespaced, preferred())
    except GroupDiscoveryFailed as error:
        kept = filtered_by(lambda _, resource: resource.namespaced, error.result)
        raise GroupDiscoveryFailed(error.failed, kept) from None


def filtered_by(
    predicate: Callable[[str, APIResource], bool], lists: Iterable[APIResourceList]
) -> list[APIResourceList]:
    """The resources for which `predicate(group_version, resource)` holds; lists left empty are dropped.

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


def fetch_each(
    fetch: Callable[[str], APIResourceList], group_versions: Collection[GroupVersion], max_workers: int = MAX_WORKERS
) -> tuple[dict[GroupVersion, APIResourceList], dict[GroupVersion, DiscoveryError]]:
    """Call `fetch` for each group version, several at a time; the lists, and the errors of those that failed."""
    resources: dict[GroupVersion, APIResourceList] = {}
    failed: dict[GroupVersion, DiscoveryError] = {}

    def fetch_one(group_version: GroupVersion) -> None:
        try:
            resources[group_version] = fetch(str(group_version))
        except DiscoveryError as error:
            failed[group_version] = error

    calls = [partial(fetch_one, group_version) for group_version in group_versions]
    if calls:
        run_together(calls, max_workers)
    # In the order asked for, not in that of the answers.
    return (
        {key: resources[key] for key in group_versions if key in resources},
        {key: failed[key] for key in group_versions if key in failed},
    )
