"""Threads that work for an asyncio event loop, or wait for one: their waits end with the loop, or the awaiting task."""

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

    P = ParamSpec("P")
    T = TypeVar("T")

# A loop that has not run for this many seconds is considered stopped for good.
_STOPPED_SECONDS = 1.0
# How often, in seconds, a thread that waits for a loop checks that the loop still runs.
_CHECK_SECONDS = 0.05


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
