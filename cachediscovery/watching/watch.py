"""`DiscoveryWatch`: caches a new CRD within a second, and makes no requests while nothing changes."""

from __future__ import annotations

import os
import random
import threading
import time
from functools import partial

from .. import _log as log
from .._cancellation import Cancellation, WaitCancelledError
from ..model.errors import StatusError
from .collection import CollectionWatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ..transport.streaming import StreamingTransport
    from .change import DiscoveryChange
    from .refreshable import Refreshable
    from .refresher import Refresher

# Changes of these objects change the served groups, versions and resources.
PATHS = (
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/apiregistration.k8s.io/v1/apiservices",
)
_RIGHTS = (
    " (a watch needs the rights list and watch for customresourcedefinitions.apiextensions.k8s.io and "
    "apiservices.apiregistration.k8s.io)"
)
_FORBIDDEN = 403
# If a watch is denied: how long to poll before trying to watch again.
_DENIED_SECONDS = 300.0
_DENIED = (401, 403, 404, 405)
# Seconds between reconnects: the first and the largest pause. Half of each is random.
_BACKOFF = (0.5, 30.0)
# A watch shorter than this, in seconds, counts as failed.
_SHORT_LIVED = 10.0
# Threads end within milliseconds, except during a name lookup or a callback.
_CLOSE_SECONDS = 1.8


class DiscoveryWatch:
    """Watches CustomResourceDefinitions and APIServices, and refreshes a cached client after each change.

    Created by `CachedDiscoveryClient.watch`. Use it as a context manager, or `close` it. It is also an iterator of
    changes, which ends when it is closed. Its threads are daemons and do not delay the exit of the program. A child of
    `fork` has no threads, and so no watch.
    """

    def __init__(self, client: Refreshable, transport: StreamingTransport | None, refresher: Refresher) -> None:
        """Poll at intervals if there is no `transport` that can watch."""
        self._refresher = refresher
        self._pid = os.getpid()
        self._cancellation = Cancellation()
        self._condition = threading.Condition()
        self._watched: set[str] = set()
        self._subscribers: list[Callable[[], object]] = []
        refresher.on_difference = self._notify
        # Set by `close`, or when one of the threads ends for another reason.
        self._over = False
        watches = [CollectionWatch(transport, path) for path in PATHS] if transport is not None else []
        self._can_watch = bool(watches)
        if transport is None:
            log.warning(
                "%s cannot be watched over this connection: polling every %g s", client.server, refresher.interval
            )
            refresher.ask_regularly(True)
        self._threads: list[threading.Thread] = []
        try:
            self._begin("cachediscovery-refresh", self._refresh)
            for watch in watches:
                self._begin("cachediscovery-watch", partial(self._follow, watch))
        except RuntimeError:
            # No more threads can start.
            self.close()
            raise

    @property
    def is_watching(self) -> bool:
        """Whether every change is reported now.

        False while connecting, if watching is denied, after `close`, and in the child of a fork.
        """
        return self.is_running and len(self._watched) == len(PATHS)

    @property
    def is_running(self) -> bool:
        """Whether the watch was not closed. False in the child of a fork."""
        # Without the lock: in the child of a fork no thread might ever release it.
        return self._pid == os.getpid() and not self._over

    @property
    def can_watch(self) -> bool:
        """Whether the connection can watch at all; if not, the server is polled."""
        return self._can_watch

    def wait_until_watching(self, timeout: float | None = None) -> bool:
        """Wait until `is_watching`, for at most `timeout` seconds. Return it; at once if it can never be true."""
        if not self.is_running or not self._can_watch:
            return False
        with self._condition:
            self._condition.wait_for(lambda: self.is_watching or not self.is_running, timeout)
            return self.is_watching

    def next_change(self, timeout: float | None = None) -> DiscoveryChange | None:
        """Wait for a change that no call has returned yet, for at most `timeout` seconds; None if there is none.

        The first is a change from what the client held when the watch began. Changes that nobody has waited for are
        one: what has come and gone meanwhile is not in it. None at once if the watch is closed.
        """
        take = self._refresher.baseline.take
        if not self.is_running:
            return None
        with self._condition:
            found: list[DiscoveryChange | None] = [None]

            def is_over() -> bool:
                found[0] = take()
                return found[0] is not None or not self.is_running

            self._condition.wait_for(is_over, timeout)
            return found[0]

    def subscribe(self, notify: Callable[[], object]) -> None:
        """Call `notify()`, in a thread of the watch, after each change, and when `is_watching` may be another."""
        self._subscribers.append(notify)

    def __iter__(self) -> DiscoveryWatch:
        return self

    def __next__(self) -> DiscoveryChange:
        change = self.next_change()
        if change is None:
            raise StopIteration
        return change

    def close(self) -> None:
        """Stop watching, within two seconds. The cached client stays usable."""
        if self._pid != os.getpid():
            return
        self._end()
        self._cancellation.cancel("the watch was closed")
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def __enter__(self) -> DiscoveryWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            with self._cancellation:
                work()
        except WaitCancelledError:
            pass
        finally:
            self._end()

    def _end(self) -> None:
        self._over = True
        self._notify()

    def _notify(self) -> None:
        with self._condition:
            self._condition.notify_all()
        for notify in self._subscribers:
            notify()

    def _refresh(self) -> None:
        with self._cancellation.ending(self._refresher.stop):
            self._refresher.run()

    def _follow(self, watch: CollectionWatch) -> None:
        pause = _BACKOFF[0]

        def begun(missed: bool) -> None:
            self._set_watched(watch.path, True)
            if missed:
                self._refresher.missed()

        def changed(name: str) -> None:
            log.debug("%s has changed: %s", watch.path, name)
            self._refresher.changed()

        while True:
            self._cancellation.check()
            started = time.monotonic()
            wait = 0.0
            try:
                watch.follow(begun, changed)
            except Exception as error:
                # Any exception, not only ours: the watch must go on.
                self._cancellation.check()
                if isinstance(error, StatusError) and error.code in _DENIED:
                    wait = self._fall_back(watch, error)
                else:
                    log.info("the watch of %s broke, trying again: %s", watch.path, error)
            # Back off from a server or proxy that ends every watch at once.
            if not wait and time.monotonic() - started < _SHORT_LIVED:
                wait = pause
            self._set_watched(watch.path, False)
            pause = min(2 * pause, _BACKOFF[1]) if time.monotonic() - started < _SHORT_LIVED else _BACKOFF[0]
            self._cancellation.sleep(wait * (1 - random.random() / 2))

    def _fall_back(self, watch: CollectionWatch, error: StatusError) -> float:
        """Poll if a watch is denied. Return the seconds until the next try to watch."""
        if self._refresher.ask_regularly(True):
            log.warning(
                "%s cannot be watched, the server is asked every %g s instead: %s%s",
                watch.path, self._refresher.interval, error, _RIGHTS if error.code == _FORBIDDEN else "",
            )  # fmt: skip
        return _DENIED_SECONDS

    def _set_watched(self, path: str, watched: bool) -> None:
        with self._condition:
            (self._watched.add if watched else self._watched.discard)(path)
            if len(self._watched) == len(PATHS):
                self._refresher.ask_regularly(False)
        self._notify()
