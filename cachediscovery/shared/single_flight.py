"""`SingleFlight`: one fetch for all machines that miss the same record."""

from __future__ import annotations

import threading
import time

from .. import _log as log
from ..transport.credentials import PluginNeeded
from .engine import EngineUnavailable
from .news import FAILED, News

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from .record_store import RecordStore

    S = TypeVar("S")
    T = TypeVar("T")

# All times are in seconds. The lock of a machine that has gone expires; a fetch under way extends it.
_LOCK_EXPIRY = 10.0
_EXTEND = 3.0
# No fetch takes longer.
_MAX_WAIT = 40.0
# Those who wait look at least so often, in case that a message was lost.
_LOOK = 1.0


class SingleFlight:
    """The fetches of one cluster's records, each under a lock of the engine."""

    def __init__(self, records: RecordStore, news: News) -> None:
        """Lock in the engine of `records`; `news` tells those who wait."""
        self._records = records
        self._news = news

    def run(self, name: str, look: Callable[[], S | None], fetch: Callable[[], T]) -> S | T:
        """What `look` finds while waiting for the lock of `name`, else the result of `fetch` with the lock held.

        If the engine is unavailable, or a fetch that was waited for failed, fetch without the lock: it saves requests,
        correctness does not depend on it. Raises what `fetch` raises.
        """
        try:
            found, lock = self._acquired(name, look)
        except EngineUnavailable:
            return fetch()
        if found is not None:
            return found
        if lock is None:
            return fetch()
        over = threading.Event()
        extender = threading.Thread(target=self._extend, args=(lock, over), name="cachediscovery-lock", daemon=True)
        message = name + FAILED
        try:
            try:
                extender.start()
            except RuntimeError as error:
                log.debug("cannot extend a lock of %s: %s", self._records.engine.place, error)
            fetched = fetch()
            message = name
            return fetched
        except PluginNeeded:
            # It did not fail: this machine comes back with credentials, and others need not wait for them.
            message = name
            raise
        finally:
            over.set()
            self._release(lock, message)

    def _acquired(self, name: str, look: Callable[[], S | None]) -> tuple[S | None, Any]:
        """What `look` found, or the lock, or neither: then go on without. Raises `EngineUnavailable`."""
        engine = self._records.engine
        key = f"{self._records.prefix}:lock:{name}"
        # Another thread extends it.
        lock = engine.call(lambda client: client.lock(key, timeout=_LOCK_EXPIRY, thread_local=False))
        deadline = time.monotonic() + _MAX_WAIT
        failures = self._news.count(name + FAILED)
        is_waiting = False
        while True:
            told = self._news.count(name)
            if engine.call(lambda _: lock.acquire(blocking=False)):
                return self._found_or_lock(look, lock, name)
            if not is_waiting:
                log.debug("another machine is asking for the record %r", name)
                is_waiting = True
                self._news.listen(at_once=True)
            found = look()
            if found is not None:
                return found, None
            if time.monotonic() >= deadline or self._news.count(name + FAILED) > failures:
                return None, None
            self._news.wait(name, told, _LOOK)

    def _found_or_lock(self, look: Callable[[], S | None], lock: Any, name: str) -> tuple[S | None, Any]:
        """With the lock held: what was put in between, else the lock."""
        try:
            found = look()
        except BaseException:
            self._release(lock, name)
            raise
        if found is None:
            return None, lock
        self._release(lock, name)
        return found, None

    def _extend(self, lock: Any, over: threading.Event) -> None:
        while not over.wait(_EXTEND):
            try:
                if not self._records.engine.call(lambda _: _unless_lost(lock.reacquire)):
                    return
            except EngineUnavailable:
                # It may be there again before the lock expires.
                continue

    def _release(self, lock: Any, message: str) -> None:
        try:
            self._records.engine.call(lambda _: _unless_lost(lock.release))
            self._records.publish(message)
        except EngineUnavailable:
            # It expires.
            pass


def _unless_lost(call: Callable[[], object]) -> bool:
    """Call a method of a lock; False if it was lost: it expired, or the engine was restarted."""
    try:
        call()
    except Exception as error:
        # redis-py and valkey-py each have their own.
        if any(kind.__name__ == "LockError" for kind in type(error).__mro__):
            return False
        raise
    return True
