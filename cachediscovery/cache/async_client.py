"""`AsyncCachedDiscoveryClient`: the cached client for programs on asyncio. The code is the sync client's."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import time

from .._cancellation import Cancellation, current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, ParamSpec, TypeVar

    from ..config.client_config import ClientConfig
    from ..model.types import APIGroup, APIGroupList, APIResourceList, VersionInfo
    from .cached_client import CachedDiscoveryClient

    P = ParamSpec("P")
    T = TypeVar("T")

# A loop that has not run for this long, in seconds, is taken for one that nobody will run again.
_STOPPED_SECONDS = 1.0
# A thread that waits for a loop checks this often, in seconds, that it still runs.
_CHECK_SECONDS = 0.05


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
        """The URL of the API server."""
        return self._client.server

    @property
    def fresh(self) -> bool:
        """Whether everything used so far was fetched by this client since it was made or last invalidated."""
        return self._client.fresh

    def invalidate(self, group_version: str | None = None) -> None:
        """Use nothing older than this moment, of everything or of one group version. Makes no request."""
        self._client.invalidate(group_version)

    async def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with those that were found, where a part could not be listed."""
        return await self.run(self._client.server_groups)

    async def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, written `apps/v1` or `v1`. Raises `NotFound`."""
        return await self.run(self._client.server_resources_for_group_version, group_version)

    async def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` where some group versions failed."""
        return await self.run(self._client.server_groups_and_resources)

    async def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` where some failed."""
        return await self.run(self._client.server_preferred_resources)

    async def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced ones of `server_preferred_resources`."""
        return await self.run(self._client.server_preferred_namespaced_resources)

    async def server_version(self) -> VersionInfo:
        """The server's version."""
        return await self.run(self._client.server_version)

    async def refresh(self) -> None:
        """Bring the cache up to date, as `CachedDiscoveryClient.refresh` does."""
        await self.run(self._client.refresh)

    async def run(self, call: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """`call` in a thread: for whatever works on the sync client, a REST mapper say."""
        return await run_in_thread(call, *arguments, **keywords)


async def run_in_thread(call: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """`call` in a thread. When the awaiting task is cancelled, or the loop ends, so does what the call waits for."""
    cancellation = LoopCancellation(asyncio.get_running_loop())

    def run() -> T:
        with cancellation:
            return call(*arguments, **keywords)

    try:
        return await asyncio.to_thread(run)
    except asyncio.CancelledError:
        cancellation.cancel("the call was cancelled")
        raise


def call_on_loop(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    """Called in a thread: what `coroutine` returns on `loop`. Raises `WaitCancelledError` if the loop has ended."""
    cancellation = LoopCancellation(loop, current())
    try:
        with cancellation:
            cancellation.check()
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
            with cancellation.ending(future.cancel):
                while not concurrent.futures.wait([future], _CHECK_SECONDS).done:
                    cancellation.check()
                return future.result()
    finally:
        if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
            # The loop has ended before it began this.
            coroutine.close()


class LoopCancellation(Cancellation):
    """Is also cancelled when the event loop is closed, or was stopped and does not run again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *within: Cancellation) -> None:
        super().__init__(*within)
        self._loop = loop
        # When it was first found not to run, on the monotonic clock; None while it runs.
        self._stopped_at: float | None = None

    def reason(self) -> str:
        """Why nothing is waited for any more; "" while it is."""
        return super().reason() or self._end_of_loop()

    def _end_of_loop(self) -> str:
        if self._loop.is_closed():
            return "the event loop was closed"
        if self._loop.is_running():
            self._stopped_at = None
            return ""
        # Between two calls of run_until_complete a loop stands still as well.
        stopped_at = self._stopped_at = self._stopped_at or time.monotonic()
        return "the event loop was stopped" if time.monotonic() - stopped_at >= _STOPPED_SECONDS else ""
