"""`FetchLock`: one process at a time fetches; the others wait for its files."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from contextvars import ContextVar

from .. import _log as log
from .._cancellation import current
from .._concurrency import UNFORKABLE, Lock, renew_after_fork
from .files import overwrite, read_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

# All times are in seconds. This is longer than any fetch may take: a holder that takes longer hangs.
MAX_WAIT = 80.0
# After waiting this long, log which process holds the lock.
_QUIET_WAIT = 2.0
_POLL = 0.015
# A process that has held the lock for this long, with no pause in between, lets others acquire it.
_MAX_HOLD = 1.0
# A waiting process tries at least once in this time.
_PAUSE = 2 * _POLL
_OWNER_BYTES = 128
# How long to wait for a `file_lock`: its holder only reads and writes a small file.
_MAX_MOMENT = 5.0

# The ids of the locks whose `run` this thread, or the one that started it, is in.
_entered: ContextVar[frozenset[int]] = ContextVar("entered", default=frozenset())


class FetchLock:
    """A lock file, held by a process while any of its threads fetches. The kernel releases it if the process dies.

    If it cannot be acquired (a file system that is read-only or has no locks), the process goes on without it: locks
    save requests, correctness does not depend on them. Calls may be nested: only the outermost waits.
    """

    def __init__(self, path: Callable[[], str]) -> None:
        """Call `path` for the name of the lock file, made on first use; "" if there can be none."""
        self._path = path
        self._mutex = Lock()
        self._holders = 0
        self._unlock: Callable[[], object] | None = None
        # When the lock was last released, and since when it has been held with no pause for others.
        self._released_at = self._busy_since = -MAX_WAIT
        # The lock file's modification time when it was acquired: waiting processes touch it.
        self._touched_at = 0
        # Until then no call waits again for a holder that hangs.
        self._impatient_until = 0.0
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Reset the state in the child of a fork, where only the thread that forked is left."""
        # A parent's thread that held the lock does not exist here.
        self._holders, self._unlock = 0, None

    def run(self, fetch: Callable[[], T], look_again: Callable[[], T | None]) -> T:
        """Return what `look_again` finds while waiting for the lock, else the result of `fetch` with the lock held."""
        if id(self) in _entered.get():
            found = look_again()
            return fetch() if found is None else found
        started = time.monotonic()
        said = False
        while not self._acquire():
            found = look_again()
            if found is not None:
                return found
            now = time.monotonic()
            if now - started >= MAX_WAIT:
                self._impatient_until = now + MAX_WAIT
            if now < self._impatient_until:
                log.debug("the lock %s is held for too long, going on without", self._path())
                return self._entered(fetch)
            if not said and now - started >= _QUIET_WAIT:
                said = True
                log.warning("waiting for %s, which is asking the same server (%s)", self._owner(), self._path())
            current().sleep(_POLL)
        return self._with_lock(fetch, look_again)

    def run_if_free(self, fetch: Callable[[], T], look_again: Callable[[], T | None]) -> T | None:
        """Like `run`, but return None if another process holds the lock."""
        return self._with_lock(fetch, look_again) if self._acquire() else None

    def _with_lock(self, fetch: Callable[[], T], look_again: Callable[[], T | None]) -> T:
        """Return what others fetched meanwhile, else the result of `fetch`, and release the lock."""
        try:
            found = look_again()
            return self._entered(fetch) if found is None else found
        finally:
            self._release()

    def _entered(self, fetch: Callable[[], T]) -> T:
        """Return the result of `fetch`; its nested calls do not wait for this lock."""
        token = _entered.set(_entered.get() | {id(self)})
        try:
            return fetch()
        finally:
            _entered.reset(token)

    def _acquire(self) -> bool:
        """Acquire the lock; True also if it cannot be locked at all, False if another process holds or wants it."""
        with self._mutex:
            now = time.monotonic()
            if self._holders == 0 and now - self._released_at >= _PAUSE:
                self._busy_since = now
            elif now - self._busy_since >= _MAX_HOLD and self._is_wanted():
                return False
            if self._holders == 0:
                path = self._path()
                try:
                    self._unlock = _lock(path) if path else None
                    self._touched_at = _touched_at(path)
                except BlockingIOError:
                    _touch(path)
                    return False
                except (OSError, NotImplementedError, RuntimeError) as error:
                    log.debug("cannot lock %s: %s", path, error)
            self._holders += 1
            return True

    def _release(self) -> None:
        with self._mutex:
            # A thread that forked while it held the lock holds nothing in the child.
            self._holders = max(0, self._holders - 1)
            if self._holders == 0:
                self._released_at = time.monotonic()
                if self._unlock is not None:
                    unlock, self._unlock = self._unlock, None
                    unlock()

    def _is_wanted(self) -> bool:
        """Whether another process waits for the lock that this one acquired."""
        return _touched_at(self._path()) != self._touched_at

    def _owner(self) -> str:
        """The process that holds the lock, in words."""
        pid, _, node = read_part(self._path(), 0, _OWNER_BYTES).decode("ascii", "replace").strip().partition(" ")
        if not pid.isdigit():
            return "another process"
        return f"process {pid}" if node in ("", _node()) else f"process {pid} on another machine"


class _LockFiles:
    """The lock files that this process has opened, by device and inode: a child of a fork releases them at once.

    filelock does so too, except if a fork could not wait until another thread had imported it with its fork hooks.
    """

    def __init__(self) -> None:
        self._known: set[tuple[int, int]] = set()
        renew_after_fork(self)

    def note(self, path: str) -> None:
        try:
            found = os.lstat(path)
        except OSError:
            return
        self._known.add((found.st_dev, found.st_ino))

    def after_fork(self) -> None:
        if not self._known:
            return
        try:
            null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            for number in map(int, os.listdir("/dev/fd")):
                self._replace(number, null)
            os.close(null)
        except OSError as error:
            log.debug("cannot release inherited locks: %s", error)

    def _replace(self, number: int, null: int) -> None:
        try:
            found = os.fstat(number)
            if (found.st_dev, found.st_ino) in self._known:
                # Do not close it: the number may be in use again when filelock closes it.
                os.dup2(null, number, inheritable=False)
        except OSError:
            # The descriptor of /dev/fd itself, closed after listing it.
            pass


_lock_files = _LockFiles()


def _lock(path: str) -> Callable[[], object]:
    """Lock a file, and return the function that unlocks it. Creates the file if it is missing.

    Raises `BlockingIOError` if it is held, `OSError` if it cannot be locked, as on a file system without locks.
    """
    # The file stays: waiting processes read it, and touch it.
    release = _acquire_file(path, 0.0, preserve=True)
    # Waiting processes log this owner.
    overwrite(path, f"{os.getpid()} {_node()}".ljust(_OWNER_BYTES - 1).encode("ascii", "replace") + b"\n", 0)
    return release


@contextmanager
def file_lock(path: str) -> Iterator[None]:
    """Hold a lock file for a short time. If it cannot be acquired within `_MAX_MOMENT`, go on without it."""
    release = None
    try:
        release = _acquire_file(path, _MAX_MOMENT) if path else None
    except (OSError, NotImplementedError, RuntimeError) as error:
        log.debug("cannot lock %s: %s", path, error)
    try:
        yield
    finally:
        if release is not None:
            release()


def _acquire_file(path: str, timeout: float, *, preserve: bool = False) -> Callable[[], object]:
    """Lock a file within `timeout` seconds, and return the function that unlocks it.

    Raises `BlockingIOError` if it is held, `OSError` if it cannot be locked, as on a file system without locks.
    """
    # Imported here because it is slow: the caller has already begun to connect to the server. While it is imported it
    # holds a lock of `tempfile`, which would stay locked in the child of a fork.
    with UNFORKABLE:
        import filelock

    # Make a new lock each time: one inherited by a fork is of no use to the child.
    lock = filelock.FileLock(
        path, timeout, mode=0o600, thread_local=False, fallback_to_soft=False, preserve_lock_file=preserve
    )
    _lock_files.note(path)
    try:
        lock.acquire(poll_interval=_POLL, blocking=timeout > 0)
    except filelock.Timeout as error:
        raise BlockingIOError(f"{path} is locked") from error
    _lock_files.note(path)
    return lock.release


def _touch(path: str) -> None:
    try:
        os.utime(path, follow_symlinks=False)
    except (OSError, NotImplementedError):
        pass


def _touched_at(path: str) -> int:
    """The file's modification time, in nanoseconds since the epoch; 0 if unknown."""
    try:
        return os.lstat(path).st_mtime_ns if path else 0
    except OSError:
        return 0


def _node() -> str:
    """This machine's name, without spaces."""
    return os.uname().nodename.replace(" ", "_")[:64] if hasattr(os, "uname") else ""
