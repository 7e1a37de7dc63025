"""`DiscoveryWatch`: a new CRD is in the cache within a second, and while nothing changes nothing is asked."""

from __future__ import annotations

import random
import threading
import time

from .. import log
from ..errors import DiscoveryError, StatusError
from .collection import CollectionWatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from ..cached_client import CachedDiscoveryClient
    from ..transport.transport import Transport
    from .refresher import Refresher

# What decides which groups, versions and resources a server serves.
PATHS = (
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/apiregistration.k8s.io/v1/apiservices",
)
# How long to ask every so often, before it is tried once more whether a watch is allowed by now.
_DENIED_SECONDS = 300.0
_DENIED = (401, 403, 404, 405)
# Between reconnects, in seconds; the second is the bound of the growth, and half of each is left to chance.
_BACKOFF = (0.5, 30.0)
# A watch that lasted for fewer seconds than this does not count as one that worked.
_SHORT_LIVED = 10.0


class DiscoveryWatch:
    """Watches CustomResourceDefinitions and APIServices, and refreshes a cached client after each change.

    Made by `CachedDiscoveryClient.watch`. Use as a context manager, or `close` it; its threads are daemons and
    hold up no program's end.
    """

    def __init__(self, client: CachedDiscoveryClient, transport: Transport | None, refresher: Refresher) -> None:
        """Without a `transport` that can watch, the server is asked every so often."""
        self._refresher = refresher
        self._stopped = threading.Event()
        self._condition = threading.Condition()
        self._watched: set[str] = set()
        self._watches = [CollectionWatch(transport, path) for path in PATHS] if transport is not None else []
        self._threads = [
            threading.Thread(target=self._follow, args=(watch,), name="cachediscovery-watch", daemon=True)
            for watch in self._watches
        ]
        if transport is None:
            log.warning(
                "%s cannot be watched over this connection: it is asked every %g s", client.server, refresher.interval
            )
            refresher.ask_regularly(True)
        refresher.start()
        for thread in self._threads:
            thread.start()

    @property
    def is_watching(self) -> bool:
        """Whether every change is being told of; False while a connection is made, and where watching is denied."""
        with self._condition:
            return len(self._watched) == len(PATHS)

    def wait_until_watching(self, timeout: float | None = None) -> bool:
        """Wait, for at most `timeout` seconds, until `is_watching`; whether it is."""
        with self._condition:
            return self._condition.wait_for(lambda: len(self._watched) == len(PATHS), timeout)

    def close(self) -> None:
        """Stop watching. The cached client may be used further."""
        self._stopped.set()
        self._refresher.stop()
        for watch in self._watches:
            watch.close()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(5)

    def __enter__(self) -> DiscoveryWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _follow(self, watch: CollectionWatch) -> None:
        pause = _BACKOFF[0]

        def begun(missed: bool) -> None:
            self._set_watched(watch.path, True)
            if missed:
                self._refresher.refresh(settle=False)

        def changed(name: str) -> None:
            log.debug("%s has changed: %s", watch.path, name)
            self._refresher.refresh(settle=True)

        while not self._stopped.is_set():
            started = time.monotonic()
            wait = 0.0
            try:
                watch.follow(begun, changed)
            except Exception as error:
                # Not only ours: whatever it is, a thread that ends would say for ever that it watches.
                if self._stopped.is_set():
                    break
                if isinstance(error, StatusError) and error.code in _DENIED:
                    wait = self._fall_back(watch, error)
                else:
                    log.info("the watch of %s broke, trying again: %s", watch.path, error)
            # A server, or a proxy, that ends every watch at once is not to be hammered.
            if not wait and time.monotonic() - started < _SHORT_LIVED:
                wait = pause
            self._set_watched(watch.path, False)
            pause = min(2 * pause, _BACKOFF[1]) if time.monotonic() - started < _SHORT_LIVED else _BACKOFF[0]
            if wait:
                self._stopped.wait(wait * (1 - random.random() / 2))

    def _fall_back(self, watch: CollectionWatch, error: DiscoveryError) -> float:
        """Where a watch is denied: ask every so often. How many seconds to do so before the next try."""
        if self._refresher.ask_regularly(True):
            log.warning(
                "%s cannot be watched, the server is asked every %g s instead: %s",
                watch.path, self._refresher.interval, error,
            )  # fmt: skip
        return _DENIED_SECONDS

    def _set_watched(self, path: str, watched: bool) -> None:
        with self._condition:
            (self._watched.add if watched else self._watched.discard)(path)
            if len(self._watched) == len(PATHS):
                self._refresher.ask_regularly(False)
            self._condition.notify_all()
