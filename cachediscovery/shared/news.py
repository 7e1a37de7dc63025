"""`News`: hears, by publish/subscribe, what other machines did with a cluster's records."""

from __future__ import annotations

import threading
import time
from _weakref import ref

from .. import _log as log
from .._cancellation import current
from .._concurrency import Lock, renew_after_fork
from .engine import EngineUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .record_store import RecordStore

# In seconds: a program that ends sooner does not import the client library for it.
_QUIET_START = 1.0
# How often the generation is read, in case that a message was lost; and before another try after a failure.
_LOOK = 10.0
_POLL = 0.25
_CLOSE = 2.0
# After the name of a record: its fetch failed. No name has a space.
FAILED = " failed"
_MAX_NAMES = 10_000


class News:
    """A thread that listens, and a condition that wakes the threads that wait for a record."""

    def __init__(self, records: RecordStore) -> None:
        """Listen to the news of `records`, from the first `listen` on."""
        self._records = records
        self._lock = Lock()
        self._reset()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Reset the state in the child of a fork, where the thread does not exist."""
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        # How often each name was told of, and how often it was told that a fetch failed.
        self._told: dict[str, int] = {}
        self._closed = threading.Event()
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, *, at_once: bool = False) -> None:
        """Listen, unless this listens already. Not `at_once` is for a program that may end in a moment."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                if at_once:
                    self._hurry.set()
                return
            self._closed, self._hurry = threading.Event(), threading.Event()
            if at_once:
                self._hurry.set()
            arguments = (ref(self), self._records, self._closed, self._hurry)
            self._thread = threading.Thread(target=_run, args=arguments, name="cachediscovery-news", daemon=True)
            try:
                self._thread.start()
            except RuntimeError as error:
                # No more threads: those who wait look from time to time.
                log.debug("cannot listen to %s: %s", self._records.engine.place, error)
                self._thread = None

    def count(self, name: str) -> int:
        """How often a name was told of."""
        return self._told.get(name, 0)

    def wait(self, name: str, count: int, seconds: float) -> None:
        """Wait until a name was told of more than `count` times, for at most `seconds`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self.count(name) <= count and time.monotonic() < deadline:
                self._changed.wait(min(_POLL, max(0.0, deadline - time.monotonic())))
                current().check()

    def tell(self, name: str) -> None:
        """Wake those who wait for `name`, also if its fetch failed."""
        with self._changed:
            if len(self._told) > _MAX_NAMES:
                # Somebody publishes nonsense. Those who wait look from time to time.
                self._told.clear()
            for told in {name, name.removesuffix(FAILED)}:
                self._told[told] = self.count(told) + 1
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread; a later `listen` starts another."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._closed.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSE)


def _run(owner: ref[News], records: RecordStore, closed: threading.Event, hurry: threading.Event) -> None:
    deadline = time.monotonic() + _QUIET_START
    while not hurry.wait(0.05) and time.monotonic() < deadline:
        if closed.is_set():
            return
    while owner() is not None and not closed.is_set():
        try:
            _listen(owner, records, closed)
        except EngineUnavailable:
            pass
        except Exception as error:
            log.debug("cannot listen to %s: %s", records.engine.place, type(error).__name__)
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline and owner() is not None:
            if closed.wait(0.25):
                return


def _listen(owner: ref[News], records: RecordStore, closed: threading.Event) -> None:
    pubsub = records.engine.call(lambda client: client.pubsub(ignore_subscribe_messages=True))
    try:
        records.engine.call(lambda _: pubsub.subscribe(records.channel))
        looked_at = float("-inf")
        while not closed.is_set():
            if time.monotonic() - looked_at >= _LOOK:
                # Also after a connection was lost, and the messages with it.
                records.see()
                looked_at = time.monotonic()
            message = pubsub.get_message(timeout=_POLL)
            news = owner()
            if news is None:
                return
            if message is not None:
                _take(news, records, message)
            del news
    finally:
        pubsub.close()


def _take(news: News, records: RecordStore, message: dict[str, Any]) -> None:
    data = message.get("data")
    name = data.decode("ascii", "replace") if isinstance(data, bytes) else ""
    if not name:
        records.see()
    else:
        news.tell(name)
