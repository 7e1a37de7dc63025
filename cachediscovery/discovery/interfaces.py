"""What every discovery client is: the base client, the cached one that wraps it, and the fake one for tests.

The methods are those of client-go's `discovery.DiscoveryInterface` and `CachedDiscoveryInterface`.
"""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.types import APIGroup, APIGroupList, APIResourceList, GroupsAndMaybeResources, VersionInfo
    from .openapi import OpenAPIV3


class DiscoveryInterface(Protocol):
    """A discovery client. All methods raise `DiscoveryError`."""

    @property
    def server(self) -> str:
        """The URL of the API server; the cache folder is named after it."""

    def server_groups(self) -> APIGroupList:
        """The groups, with their versions and the preferred one."""

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, written `apps/v1` or `v1`."""

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` where some group versions failed."""

    def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` likewise."""

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced ones of `server_preferred_resources`."""

    def server_version(self) -> VersionInfo:
        """The server's version."""

    def openapi_v3(self) -> OpenAPIV3:
        """The OpenAPI v3 documents."""


class AggregatedDiscoveryInterface(DiscoveryInterface, Protocol):
    """A discovery client that can get everything in one go."""

    def groups_and_maybe_resources(self) -> GroupsAndMaybeResources:
        """The groups and, from a server that aggregates, all resources."""


class CachedDiscoveryInterface(DiscoveryInterface, Protocol):
    """A discovery client that remembers."""

    @property
    def fresh(self) -> bool:
        """True when everything used so far was fetched by this client since it was made or last invalidated."""

    def invalidate(self, group_version: str | None = None) -> None:
        """Use nothing older than this moment, of everything or of one group version. Makes no request."""
