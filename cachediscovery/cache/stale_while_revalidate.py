"""stale-while-revalidate (RFC 5861, 3): documents that have expired are used at once, and renewed behind. Opt-in."""

from __future__ import annotations

import os
import threading
import time

from .. import _log as log
from .._concurrency import Lock, renew_after_fork
from ..model.errors import DiscoveryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds before a server that could not answer is asked again: until then every call would try.
_PAUSE_AFTER_ERROR = 10.0


class BackgroundRevalidation:
    """Runs `refresh` in a thread, one at a time, when `start` says that something expired was used."""

    def __init__(self, refresh: Callable[[], None]) -> None:
        """`refresh` brings the cache up to date, or raises `DiscoveryError`."""
        self._refresh = refresh
        self._lock = Lock()
        self._running = False
        self._failed_at: float | None = None
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Called in the child of a fork, where only the thread that forked is left."""
        # The thread that renewed is the parent's.
        self._running = False

    def start(self) -> None:
        """Begin to renew, unless that is under way or has just failed. Returns at once."""
        with self._lock:
            paused = self._failed_at is not None and time.monotonic() - self._failed_at < _PAUSE_AFTER_ERROR
            if self._running or paused:
                return
            self._running = True
        try:
            threading.Thread(target=self._run, name="cachediscovery-revalidation", daemon=True).start()
        except RuntimeError as error:
            # No more threads: what has expired goes on being used, and the next call tries again.
            log.debug("cannot renew behind: %s", error)
            self._running = False

    def _run(self) -> None:
        failed_at = None
        try:
            self._refresh()
        except DiscoveryError as error:
            if self._failed_at is None:
                log.warning("the discovery cache cannot be renewed, going on with what has expired: %s", error)
            failed_at = time.monotonic()
        finally:
            with self._lock:
                self._running = False
                self._failed_at = failed_at


def detach(refresh: Callable[[], None]) -> None:
    """Run `refresh` in a process of its own that outlives this one, and whose end nobody waits for.

    Where a process cannot be forked, it is run before this returns. Errors are nobody's to see: as long as it
    fails, the documents go on expiring, and then the server is asked in sight of the user.
    """
    if not hasattr(os, "fork"):
        _quietly(refresh)
        return
    if os.fork():
        return
    try:
        os.setsid()
        # Whoever reads what this program prints is not to wait for this process as well.
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
        log.debug("the discovery cache cannot be renewed: %s", error)
