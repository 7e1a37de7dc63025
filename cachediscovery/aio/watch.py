"""`AsyncDiscoveryWatch`: the watch of a cached client for asyncio programs."""

from __future__ import annotations

import asyncio
import inspect
import threading

from .. import _log as log
from .event_loop import run_in_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import TypeVar

    from ..watching.change import DiscoveryChange
    from ..watching.watch import DiscoveryWatch

    T = TypeVar("T")


class AsyncDiscoveryWatch:
    """A `DiscoveryWatch` for one event loop: an async context manager, and an async iterator of changes.

    Created by `AsyncCachedDiscoveryClient.watch`. It starts when it is entered or first waited for. While it waits, it
    occupies no thread of the loop's executor. Tasks that iterate over one watch share its changes.
    """

    def __init__(
        self,
        start: Callable[[Callable[[], None] | None], DiscoveryWatch],
        on_change: Callable[[], Awaitable[object] | object] | None = None,
    ) -> None:
        """`start(call)` makes the sync watch, which calls `call`. `on_change` is called, or awaited, on the loop."""
        self._start = start
        self._on_change = on_change
        self._watch: DiscoveryWatch | None = None
        self._starting = asyncio.Lock()
        # Guards `_watch` and `_closed`, as the watch is made in a thread.
        self._mutex = threading.Lock()
        self._closed = False
        # Set, and replaced, after each change of what the watch tells.
        self._event = asyncio.Event()
        self._due = asyncio.Event()
        self._calls: asyncio.Task[None] | None = None
        self._subscribers: list[Callable[[], object]] = []

    @property
    def is_running(self) -> bool:
        """Whether the watch was started and not closed."""
        return self._watch is not None and self._watch.is_running

    @property
    def is_watching(self) -> bool:
        """Whether every change is reported now. False before the start, and as `DiscoveryWatch.is_watching`."""
        return self._watch is not None and self._watch.is_watching

    @property
    def can_watch(self) -> bool:
        """Whether the connection can watch at all; if not, the server is polled. False before the start."""
        return self._watch is not None and self._watch.can_watch

    async def wait_until_watching(self, timeout: float | None = None) -> bool:
        """Wait until `is_watching`, for at most `timeout` seconds. Return it; at once if it can never be true."""
        await self._until(lambda watch: watch.is_watching or not watch.can_watch or None, timeout)
        return self.is_watching

    async def next_change(self, timeout: float | None = None) -> DiscoveryChange | None:
        """Wait for a change that no call has returned yet, as `DiscoveryWatch.next_change` does."""
        return await self._until(lambda watch: watch.next_change(0), timeout)

    def subscribe(self, notify: Callable[[], object]) -> None:
        """Call `notify()`, on the loop, after each change, and when `is_watching` may be another."""
        self._subscribers.append(notify)

    async def aclose(self) -> None:
        """Stop watching, within two seconds. The cached client stays usable."""
        with self._mutex:
            self._closed = True
        if self._calls is not None and self._calls is not asyncio.current_task():
            self._calls.cancel()
        if self._watch is not None:
            await run_in_thread(self._watch.close)

    async def __aenter__(self) -> AsyncDiscoveryWatch:
        await self._started()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> AsyncDiscoveryWatch:
        return self

    async def __anext__(self) -> DiscoveryChange:
        change = await self.next_change()
        if change is None:
            raise StopAsyncIteration
        return change

    async def _until(self, poll: Callable[[DiscoveryWatch], T | None], timeout: float | None) -> T | None:
        """Wait until `poll` returns something, or the watch ends; at most `timeout` seconds."""
        watch = await self._started()
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while watch is not None:
            # Taken before the check, so that a change between the two is not missed.
            event = self._event
            found = poll(watch)
            if found is not None or not watch.is_running:
                return found
            left = None if deadline is None else deadline - loop.time()
            if left is not None and left <= 0:
                return None
            try:
                await asyncio.wait_for(event.wait(), left)
            except asyncio.TimeoutError:
                pass
        return None

    async def _started(self) -> DiscoveryWatch | None:
        """The watch, started if it was not yet; None if it was closed before."""
        async with self._starting:
            if self._watch is None and not self._closed:
                loop = asyncio.get_running_loop()
                try:
                    # It reads the documents that the client holds.
                    await run_in_thread(self._begin, loop)
                except asyncio.CancelledError:
                    self._abandon()
                    raise
                if self._on_change is not None:
                    self._calls = loop.create_task(self._call_on_change())
        return self._watch

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        def on_loop(call: Callable[[], object]) -> None:
            try:
                loop.call_soon_threadsafe(call)
            except RuntimeError:
                # The loop was closed, and with it whatever waited.
                if watch.is_running:
                    watch.close()

        watch = self._start(None if self._on_change is None else lambda: on_loop(self._due.set))
        watch.subscribe(lambda: on_loop(self._wake))
        with self._mutex:
            if not self._closed:
                self._watch = watch
                return
        watch.close()

    def _abandon(self) -> None:
        """Close the watch that is being made in a thread, whether it is made already or not."""
        with self._mutex:
            self._closed = True
        if self._watch is not None:
            self._watch.close()

    def _wake(self) -> None:
        self._event.set()
        self._event = asyncio.Event()
        for notify in self._subscribers:
            notify()

    async def _call_on_change(self) -> None:
        while self._on_change is not None:
            await self._due.wait()
            self._due.clear()
            try:
                called = self._on_change()
                if inspect.isawaitable(called):
                    await called
            except Exception as error:
                log.warning("on_change raised %s: %s", type(error).__name__, error)
