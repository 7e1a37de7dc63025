"""`FetchLock`: one process at a time asks the server; the others wait for its files."""

from __future__ import annotations

import os
import threading
import time

from .. import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

# Longer than any one fetch may take; a holder that hangs beyond it is not worth waiting for.
MAX_WAIT = 80.0
_POLL = 0.015


class FetchLock:
    """A lock file, held by a process while any of its threads fetches. The kernel frees it if the process dies.

    Where no lock can be had (a read-only or strange file system) the process goes on without:
    locks save requests, correctness does not depend on them.
    """

    def __init__(self, path: Callable[[], str]) -> None:
        """`path` names the lock file, made on first use, and returns "" where there can be none."""
        self._path = path
        self._mutex = threading.Lock()
        self._pid = os.getpid()
        self._holders = 0
        self._unlock: Callable[[], object] | None = None

    def run(self, fetch: Callable[[], T], look_again: Callable[[], T | None]) -> T:
        """Return what `look_again` finds while waiting for the lock, or what `fetch` returns with the lock held."""
        for _ in self._attempts():
            if self._acquire():
                return self._with_lock(fetch, look_again)
            found = look_again()
            if found is not None:
                return found
        log.debug("the lock %s is held for too long, going on without", self._path())
        return fetch()

    def run_if_free(self, fetch: Callable[[], T], look_again: Callable[[], T | None]) -> T | None:
        """Like `run`, but where another process holds the lock, return None and leave it to that one."""
        return self._with_lock(fetch, look_again) if self._acquire() else None

    def _with_lock(self, fetch: Callable[[], T], look_again: Callable[[], T | None]) -> T:
        """What was fetched while the lock was waited for, else what `fetch` returns; the lock is let go of."""
        try:
            found = look_again()
            return fetch() if found is None else found
        finally:
            self._release()

    @staticmethod
    def _attempts() -> Iterator[None]:
        deadline = time.monotonic() + MAX_WAIT
        yield
        while time.monotonic() < deadline:
            time.sleep(_POLL)
            yield

    def _acquire(self) -> bool:
        """Whether this process now holds the lock, or needs none, or can have none."""
        with self._mutex:
            if self._pid != os.getpid():
                # Forked while a thread of the parent held it: that thread is not here.
                self._pid, self._holders, self._unlock = os.getpid(), 0, None
            if self._holders == 0:
                path = self._path()
                try:
                    self._unlock = _lock(path) if path else None
                except BlockingIOError:
                    return False
                except (OSError, NotImplementedError, RuntimeError) as error:
                    log.debug("cannot lock %s: %s", path, error)
            self._holders += 1
            return True

    def _release(self) -> None:
        with self._mutex:
            self._holders -= 1
            if self._holders == 0 and self._unlock is not None:
                unlock, self._unlock = self._unlock, None
                unlock()


def _lock(path: str) -> Callable[[], object]:
    """Lock a file, made if it is not there; what is returned unlocks it. Raises `BlockingIOError` if it is held.

    Raises `OSError` where no lock can be had, as on a file system that has none.
    """
    # It takes a while to import; whoever locks is about to ask a server, and has begun to connect.
    import filelock

    # Made anew each time: a lock that a fork inherits is no use to the child.
    lock = filelock.FileLock(path, mode=0o600, thread_local=False, fallback_to_soft=False, preserve_lock_file=True)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise BlockingIOError(f"{path} is locked") from None
    return lock.release
