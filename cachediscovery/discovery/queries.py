"""Queries over a discovery client (client-go's `discovery/helper.go`)."""

from __future__ import annotations

from ..model.errors import DiscoveryError, GroupDiscoveryFailed, NotFound
from ..model.group_version import GroupVersion, GroupVersionResource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model.types import APIResourceList
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
