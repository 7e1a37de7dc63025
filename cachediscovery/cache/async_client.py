"""`AsyncCachedDiscoveryClient`: the cached client for programs on asyncio. The code is the sync client's."""

from __future__ import annotations

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar

    from ..config.client_config import ClientConfig
    from ..model.types import APIGroup, APIGroupList, APIResourceList, VersionInfo
    from .cached_client import CachedDiscoveryClient

    P = ParamSpec("P")
    T = TypeVar("T")


class AsyncCachedDiscoveryClient:
    """A `CachedDiscoveryClient` whose work is done in threads: the event loop never waits for disk or network.

    The methods are those of the sync client, each a coroutine; `fresh` and `invalidate` do no work
    and are the same.
    """

    def __init__(self, client: CachedDiscoveryClient) -> None:
        self._client = client

    @classmethod
    def for_config(cls, config: ClientConfig, *, cache_dir: str = "") -> AsyncCachedDiscoveryClient:
        """An async client for what `load_config` returned."""
        from .cached_client import CachedDiscoveryClient

        return cls(CachedDiscoveryClient.for_config(config, cache_dir=cache_dir))

    @property
    def client(self) -> CachedDiscoveryClient:
        """The sync client: it may be used as well, from other threads."""
        return self._client

    @property
    def server(self) -> str:
        return self._client.server

    @property
    def fresh(self) -> bool:
        return self._client.fresh

    def invalidate(self, group_version: str | None = None) -> None:
        self._client.invalidate(group_version)

    async def server_groups(self) -> APIGroupList:
        return await self.run(self._client.server_groups)

    async def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        return await self.run(self._client.server_resources_for_group_version, group_version)

    async def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        return await self.run(self._client.server_groups_and_resources)

    async def server_preferred_resources(self) -> list[APIResourceList]:
        return await self.run(self._client.server_preferred_resources)

    async def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        return await self.run(self._client.server_preferred_namespaced_resources)

    async def server_version(self) -> VersionInfo:
        return await self.run(self._client.server_version)

    async def refresh(self) -> None:
        await self.run(self._client.refresh)

    async def run(self, call: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """`call` in a thread: for whatever works on the sync client, a REST mapper say."""
        return await asyncio.to_thread(call, *arguments, **keywords)
