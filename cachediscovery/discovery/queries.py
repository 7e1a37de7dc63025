"""Queries over a discovery client (client-go's `discovery/helper.go`)."""

from __future__ import annotations

from ..model.errors import DiscoveryError, GroupDiscoveryFailed, NotFound
from ..model.group_version import GroupVersion, GroupVersionResource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model.discovery_result import DiscoveryResult
    from ..model.types import APIGroup, APIResourceList, VersionInfo
    from .interfaces import DiscoveryInterface


def is_resource_enabled(client: DiscoveryInterface, resource: GroupVersionResource) -> bool:
    """Return whether the server serves `resource`, such as `GroupVersionResource("apps", "v1", "deployments")`.

    Fetches only that group version. Raises `DiscoveryError` if that fails, except with a 404.
    """
    try:
        resource_list = client.server_resources_for_group_version(str(resource.group_version))
    except NotFound:
        return False
    return any(item.name == resource.resource for item in resource_list.resources)


def server_supports_version(client: DiscoveryInterface, required: GroupVersion) -> bool:
    """Return whether the server lists the group version `required`. Also true if it lists none at all.

    client-go's `ServerSupportsVersion`, which returns an error instead of false. Raises `DiscoveryError`.
    """
    try:
        group_versions = client.server_groups().group_versions
    except GroupDiscoveryFailed as error:
        if required in error.result.group_versions:
            return True
        raise
    return not group_versions or required in group_versions


def matches_server_version(client_version: VersionInfo, client: DiscoveryInterface) -> bool:
    """Return whether the server was built from the same commit and tree as a program of `client_version`.

    client-go's `MatchesServerVersion`, which returns an error instead of false. Raises `DiscoveryError`.
    """
    found = client.server_version()
    names = ("git_version", "git_commit", "git_tree_state")
    return all(getattr(found, name) == getattr(client_version, name) for name in names)


def server_groups_and_resources(client: DiscoveryInterface) -> tuple[list[APIGroup], list[APIResourceList]]:
    """All groups and all resources, by `server_groups` and `server_resources_for_group_version` of any client.

    client-go's function `ServerGroupsAndResources`. Unlike the method of that name, it lists once, even if a group
    version fails. Raises `GroupDiscoveryFailed`, with what was found, if some failed.
    """
    from ..model.listing import groups_and_resources

    return groups_and_resources(_everything(client))


def server_preferred_resources(client: DiscoveryInterface) -> list[APIResourceList]:
    """All resources of any client, each in its preferred version: client-go's function `ServerPreferredResources`.

    Raises `GroupDiscoveryFailed`, with what was found, if some group versions failed.
    """
    from ..model.listing import preferred_resources

    return preferred_resources(_everything(client))


def server_preferred_namespaced_resources(client: DiscoveryInterface) -> list[APIResourceList]:
    """The namespaced resources of `server_preferred_resources(client)`.

    client-go's function `ServerPreferredNamespacedResources`.
    """
    from ..model.listing import namespaced_only

    return namespaced_only(lambda: server_preferred_resources(client))


def group_version_resources(lists: Iterable[APIResourceList]) -> set[GroupVersionResource]:
    """Every resource of `lists` by its full name. Raises `DiscoveryError` for an invalid group version."""
    found: set[GroupVersionResource] = set()
    for resource_list in lists:
        try:
            group_version = GroupVersion.parse(resource_list.group_version)
        except ValueError as error:
            raise DiscoveryError(str(error)) from error
        found.update(group_version.with_resource(resource.name) for resource in resource_list.resources)
    return found


def _everything(client: DiscoveryInterface) -> DiscoveryResult:
    """All groups and resources, in two requests if the client and its server can aggregate them."""
    from ..model.discovery_result import DiscoveryResult
    from ..model.listing import fetch_missing

    aggregated = getattr(client, "groups_and_maybe_resources", None)
    if aggregated is not None:
        found: DiscoveryResult = aggregated()
    else:
        try:
            found = DiscoveryResult(client.server_groups())
        except GroupDiscoveryFailed as error:
            found = DiscoveryResult(error.result, failed=error.failed)
    return fetch_missing(found, client.server_resources_for_group_version)
