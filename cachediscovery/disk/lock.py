"""`FetchLock`: one process at a time asks the server; the others wait for its files."""

from __future__ import annotations

import threading
import time

from .. import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    import filelock

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
        self._holders = 0
        self._lock: filelock.BaseFileLock | None = None

    def run(self, fetch: Callable[[], T], look_again: Callable[[], T | None]) -> T:
        """Return what `look_again` finds while waiting for the lock, or what `fetch` returns with the lock held."""
        for waited in self._attempts():
            if self._acquire(may_fail=not waited):
                try:
                    found = look_again()
                    return fetch() if found is None else found
                finally:
                    self._release()
            found = look_again()
            if found is not None:
                return found
        log.debug("the lock %s is held for too long, going on without", self._path())
        return fetch()

    def run_if_free(self, fetch: Callable[[], T], look_again: Callable[[], T | None]) -> T | None:
        """Like `run`, but where another process holds the lock, return None and leave it to that one."""
        if not self._acquire():
            return None
        try:
            found = look_again()
            return fetch() if found is None else found
        finally:
            self._release()

    @staticmethod
    def _attempts() -> Iterator[bool]:
        """Whether it has been waited, for each attempt to be made."""
        deadline = time.monotonic() + MAX_WAIT
        yield False
        while time.monotonic() < deadline:
            time.sleep(_POLL)
            yield True

    def _acquire(self, *, may_fail: bool = True) -> bool:
        """Whether this process now holds the lock, or needs none; `may_fail`: nor can it have one."""
        import filelock

        with self._mutex:
            if self._holders == 0:
                path = self._path()
                if path:
                    lock = filelock.FileLock(path, mode=0o600, thread_local=False)
                    try:
                        lock.acquire(blocking=False)
                    except filelock.Timeout:
                        # To filelock a file system without locks is one where somebody else always has them.
                        if not may_fail or _can_lock(path):
                            return False
                        log.debug("cannot lock %s", path)
                    except (OSError, NotImplementedError, RuntimeError) as error:
                        log.debug("cannot lock %s: %s", path, error)
                    else:
                        self._lock = lock
            self._holders += 1
            return True

    def _release(self) -> None:
        with self._mutex:
            self._holders -= 1
            if self._holders == 0 and self._lock is not None:
                lock, self._lock = self._lock, None
                lock.release()


def _can_lock(path: str) -> bool:
    """Whether the file system of a file that is there has locks (on some NFS it has none)."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True
