"""`AsyncCachedDiscoveryClient`: the cached client for asyncio programs. It runs the sync client in threads."""

from __future__ import annotations

from .event_loop import run_in_thread

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
    """Runs a `CachedDiscoveryClient` in threads: the event loop never waits for disk or network.

    The methods are coroutines with the names of the sync client's. `fresh` and `invalidate` do no I/O and stay sync.
    """

    def __init__(self, client: CachedDiscoveryClient) -> None:
        self._client = client

    @classmethod
    def for_config(cls, config: ClientConfig, *, cache_dir: str = "") -> AsyncCachedDiscoveryClient:
        """Make an async client for a config that `load_config` returned."""
        from .cached_client import CachedDiscoveryClient

        return cls(CachedDiscoveryClient.for_config(config, cache_dir=cache_dir))

    @property
    def client(self) -> CachedDiscoveryClient:
        """The sync client. Other threads may use it at the same time."""
        return self._client

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._client.server

    @property
    def fresh(self) -> bool:
        """Whether this client itself fetched everything it used since it was made or last invalidated."""
        return self._client.fresh

    def invalidate(self, group_version: str | None = None) -> None:
        """Invalidate everything, or one group version: use nothing older than this moment. Makes no request."""
        self._client.invalidate(group_version)

    async def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with the groups found, if a part could not be listed."""
        return await self.run(self._client.server_groups)

    async def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, such as `apps/v1` or `v1`. Raises `NotFound`."""
        return await self.run(self._client.server_resources_for_group_version, group_version)

    async def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` if some group versions failed."""
        return await self.run(self._client.server_groups_and_resources)

    async def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` if some failed."""
        return await self.run(self._client.server_preferred_resources)

    async def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced resources of `server_preferred_resources`."""
        return await self.run(self._client.server_preferred_namespaced_resources)

    async def server_version(self) -> VersionInfo:
        """The server's version."""
        return await self.run(self._client.server_version)

    async def refresh(self) -> None:
        """Bring the cache up to date, as `CachedDiscoveryClient.refresh` does."""
        await self.run(self._client.refresh)

    async def run(self, call: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """Run `call` in a thread: for code that uses the sync client, such as a REST mapper."""
        return await run_in_thread(call, *arguments, **keywords)
