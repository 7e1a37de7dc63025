"""`AsyncCachedDiscoveryClient`: the cached client for asyncio programs. It runs the sync client in threads."""

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

# A loop that has not run for this many seconds is considered stopped for good.
_STOPPED_SECONDS = 1.0
# How often, in seconds, a thread that waits for a loop checks that the loop still runs.
_CHECK_SECONDS = 0.05


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


async def run_in_thread(call: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """Run `call` in a thread. Its waits end when the awaiting task is cancelled or the loop ends."""
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
    """Run `coroutine` on `loop` from another thread. Raises `WaitCancelledError` if the loop has ended."""
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
            # The loop ended before it started the coroutine.
            coroutine.close()


class LoopCancellation(Cancellation):
    """A cancellation that also happens when the event loop is closed, or stopped and not run again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *within: Cancellation) -> None:
        super().__init__(*within)
        self._loop = loop
        # When the loop was first found stopped, on the monotonic clock; None while it runs.
        self._stopped_at: float | None = None

    def reason(self) -> str:
        """Why the wait was cancelled; "" if it was not."""
        return super().reason() or self._end_of_loop()

    def _end_of_loop(self) -> str:
        if self._loop.is_closed():
            return "the event loop was closed"
        if self._loop.is_running():
            self._stopped_at = None
            return ""
        # A loop also stops between two calls of run_until_complete.
        stopped_at = self._stopped_at = self._stopped_at or time.monotonic()
        return "the event loop was stopped" if time.monotonic() - stopped_at >= _STOPPED_SECONDS else ""
