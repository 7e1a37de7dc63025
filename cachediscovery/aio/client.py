"""`AsyncCachedDiscoveryClient`: the cached client for asyncio programs. It runs the sync client in threads."""

from __future__ import annotations

from ..cache.cached_client import CachedDiscoveryClient
from ..config import arguments
from .event_loop import run_in_thread
from .openapi import AsyncOpenAPIV3
from .resource_index import AsyncResourceIndex
from .watch import AsyncDiscoveryWatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import ParamSpec, TypeVar

    from typing_extensions import Self, Unpack

    from ..cache.options import CacheOptions, ClientKeywords, ConfigKeywords
    from ..config.arguments import Duration, PathArgument
    from ..config.client_config import ClientConfig
    from ..config.overrides import ConfigOverrides
    from ..discovery.interfaces import DiscoveryInterface
    from ..model.types import APIGroup, APIGroupList, APIResourceList, VersionInfo
    from ..transport.options import TransportOptions

    P = ParamSpec("P")
    T = TypeVar("T")


class AsyncCachedDiscoveryClient:
    """Runs a `CachedDiscoveryClient` in threads: the event loop never waits for disk or network.

    The methods are coroutines with the names of the sync client's. What does no I/O stays sync: `fresh`, `invalidate`,
    `path`, and making a `watch` or an `openapi_v3`. The constructors read at most the kubeconfig. An async context
    manager.
    """

    def __init__(self, client: CachedDiscoveryClient) -> None:
        arguments.instance("client", client, CachedDiscoveryClient, "or use from_kubeconfig")
        self._client = client

    @classmethod
    def for_config(
        cls,
        config: ClientConfig,
        cache: CacheOptions | None = None,
        *,
        options: TransportOptions | None = None,
        **keywords: Unpack[ConfigKeywords],
    ) -> Self:
        """Make a cached client for a config, as `CachedDiscoveryClient.for_config` does."""
        return cls(CachedDiscoveryClient.for_config(config, cache, options=options, **keywords))

    @classmethod
    def from_kubeconfig(
        cls,
        overrides: ConfigOverrides | PathArgument | None = None,
        cache: CacheOptions | None = None,
        *,
        options: TransportOptions | None = None,
        **keywords: Unpack[ClientKeywords],
    ) -> Self:
        """Make a cached client for a kubeconfig, as `CachedDiscoveryClient.from_kubeconfig` does."""
        return cls(CachedDiscoveryClient.from_kubeconfig(overrides, cache, options=options, **keywords))

    @property
    def client(self) -> CachedDiscoveryClient:
        """The sync client. Other threads may use it at the same time."""
        return self._client

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._client.server

    @property
    def no_peer(self) -> bool:
        """Whether the delegate lists only what one API server serves itself. Then the cache is in memory alone."""
        return self._client.no_peer

    def with_legacy(self) -> AsyncCachedDiscoveryClient:
        """This client itself, as client-go's cached clients return themselves."""
        return self

    @property
    def delegate(self) -> DiscoveryInterface:
        """The client that makes the requests on a miss. It is sync."""
        return self._client.delegate

    @property
    def resource_index(self) -> AsyncResourceIndex:
        """The index of all resources in this client's cache."""
        return AsyncResourceIndex(self._client.resource_index)

    @property
    def fresh(self) -> bool:
        """Whether this client itself fetched everything it used since it was made or last invalidated."""
        return self._client.fresh

    def invalidate(self, group_version: str | None = None) -> None:
        """Invalidate everything, or one group version: use nothing older than this moment. Makes no request.

        With a shared cache it waits for that, without yielding: some milliseconds, or two seconds if it hangs.
        """
        self._client.invalidate(group_version)

    def invalidate_locally(self) -> None:
        """As `invalidate()`, but a cache that other machines share stays as it is: this client alone asks anew."""
        self._client.invalidate_locally()

    async def refresh(self, since: float | None = None, *, wait: bool = True) -> None:
        """Bring the cache up to date, as `CachedDiscoveryClient.refresh` does."""
        await self.run(self._client.refresh, since, wait=wait)

    def watch(
        self, *, interval: Duration = 30.0, on_change: Callable[[], Awaitable[object] | object] | None = None
    ) -> AsyncDiscoveryWatch:
        """Keep the cache up to date while the program runs, as `CachedDiscoveryClient.watch` does.

        The watch is an async context manager, and an async iterator of `DiscoveryChange`s. It starts when it is entered
        or first waited for. `on_change` is called on the event loop, and awaited if it is a coroutine function.
        """
        return AsyncDiscoveryWatch(lambda call: self._client.watch(interval=interval, on_change=call), on_change)

    async def aclose(self) -> None:
        """Close all connections, and end the watches, as `CachedDiscoveryClient.close` does."""
        await self.run(self._client.close)

    async def __aenter__(self) -> AsyncCachedDiscoveryClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def path(self, group_version: str | None = None) -> str:
        """The path of the file of the groups, or of one group version; "" without a cache on disk."""
        return self._client.path(group_version)

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

    def openapi_v3(self) -> AsyncOpenAPIV3:
        """The OpenAPI v3 documents, fetched by coroutines: `await client.openapi_v3().paths()`."""
        return AsyncOpenAPIV3(self._client.openapi_v3())

    async def run(self, call: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """Run `call` in a thread: for code that uses the sync client."""
        return await run_in_thread(call, *arguments, **keywords)
