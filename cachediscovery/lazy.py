"""`LazyDiscoveryClient`: a discovery client that is made when it is first asked. A warm cache never asks."""

from __future__ import annotations

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .client import DiscoveryClient
    from .interface import GroupsAndMaybeResources
    from .openapi import OpenAPIV3
    from .types import APIGroup, APIGroupList, APIResourceList, VersionInfo


class LazyDiscoveryClient:
    """The discovery client that `make()` returns, made on the first request: no session, no credentials before."""

    def __init__(self, server: str, make: Callable[[], DiscoveryClient]) -> None:
        """`server` is the URL of the client to be made. `make` may raise `DiscoveryError`."""
        self._server = server
        self._make = make
        self._lock = threading.Lock()
        self._made: DiscoveryClient | None = None

    @property
    def server(self) -> str:
        return self._server

    @property
    def client(self) -> DiscoveryClient:
        """The real client."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def groups_and_maybe_resources(self) -> GroupsAndMaybeResources:
        return self.client.groups_and_maybe_resources()

    def server_groups(self) -> APIGroupList:
        return self.client.server_groups()

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        return self.client.server_resources_for_group_version(group_version)

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        return self.client.server_groups_and_resources()

    def server_preferred_resources(self) -> list[APIResourceList]:
        return self.client.server_preferred_resources()

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        return self.client.server_preferred_namespaced_resources()

    def server_version(self) -> VersionInfo:
        return self.client.server_version()

    def openapi_v3(self) -> OpenAPIV3:
        return self.client.openapi_v3()
