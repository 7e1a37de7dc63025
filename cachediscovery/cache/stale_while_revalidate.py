"""stale-while-revalidate (RFC 5861, section 3): serve expired documents and refresh in the background. Opt-in."""

from __future__ import annotations

import os
import threading
import time

from .. import _log as log
from .._cancellation import Cancellation, WaitCancelledError
from .._concurrency import Lock, renew_after_fork
from ..model.errors import DiscoveryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds before the next refresh after a failed one: otherwise every call would try.
_PAUSE_AFTER_ERROR = 10.0
# A refresh ends within milliseconds of its cancellation, except during a name lookup.
_CLOSE_SECONDS = 1.8


class BackgroundRevalidation:
    """Runs `refresh` in a thread, one at a time, when `start` reports that an expired document was used."""

    def __init__(self, refresh: Callable[[], None]) -> None:
        """Call `refresh` to bring the cache up to date; it may raise `DiscoveryError`."""
        self._refresh = refresh
        self._lock = Lock()
        self._running = False
        self._failed_at: float | None = None
        # Ends the waits of the refresh that runs; `close` cancels and replaces it.
        self._open = Cancellation()
        self._thread: threading.Thread | None = None
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Reset the state in the child of a fork, where only the thread that forked is left."""
        # The refreshing thread is the parent's.
        self._running = False
        self._thread = None
        self._open = Cancellation()

    def start(self) -> None:
        """Start a refresh, unless one is running or has just failed. Returns at once."""
        with self._lock:
            paused = self._failed_at is not None and time.monotonic() - self._failed_at < _PAUSE_AFTER_ERROR
            if self._running or paused:
                return
            self._running = True
            thread = threading.Thread(
                target=self._run, args=(self._open,), name="cachediscovery-revalidation", daemon=True
            )
        try:
            thread.start()
            self._thread = thread
        except RuntimeError as error:
            # No more threads: expired documents stay in use, and the next call tries again.
            log.debug("cannot refresh in the background: %s", error)
            self._running = False

    def close(self) -> None:
        """End the refresh that runs. A later `start` begins another."""
        with self._lock:
            ended, self._open = self._open, Cancellation()
            thread = self._thread
        ended.cancel("the client was closed")
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSE_SECONDS)

    def _run(self, within: Cancellation) -> None:
        failed_at = None
        try:
            with within:
                self._refresh()
        except WaitCancelledError:
            pass
        except DiscoveryError as error:
            if within.reason():
                return
            if self._failed_at is None:
                log.warning("the discovery cache cannot be refreshed, using expired documents: %s", error)
            failed_at = time.monotonic()
        finally:
            with self._lock:
                self._running = False
                self._failed_at = failed_at


def detach(refresh: Callable[[], None]) -> None:
    """Run `refresh` in a separate process that outlives this one, and do not wait for it.

    Where there is no fork, run it before returning. Errors are only logged: while the refresh fails the documents grow
    older, and once the grace is over the server is asked in the foreground.
    """
    if not hasattr(os, "fork"):
        _quietly(refresh)
        return
    if os.fork():
        return
    try:
        os.setsid()
        # A reader of this program's output must not wait for this process too.
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        _quietly(refresh)
    finally:
        os._exit(0)


def _quietly(refresh: Callable[[], None]) -> None:
    try:
        refresh()
    except DiscoveryError as error:
        log.debug("the discovery cache cannot be refreshed: %s", error)
