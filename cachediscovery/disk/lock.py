"""`FetchLock`: one process at a time asks the server; the others wait for its files."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from contextvars import ContextVar

from .. import _log as log
from .._cancellation import current
from .._concurrency import Lock, renew_after_fork
from .files import overwrite, read_part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

# All times are in seconds. Longer than any one fetch may take; a holder that hangs beyond it is not worth waiting for.
MAX_WAIT = 80.0
# After this long a person who waits is told for whom.
_QUIET_WAIT = 2.0
_POLL = 0.015
# A process that holds the lock for this long, again and again without a pause, lets others have it.
_MAX_HOLD = 1.0
# Whoever waits looks at least once in this time.
_PAUSE = 2 * _POLL
_OWNER_BYTES = 128
# For what is done while a `file_lock` is held: a small file is read and written.
_MAX_MOMENT = 5.0

# The ids of the locks within whose `run` this thread, or the one that began it, is.
_entered: ContextVar[frozenset[int]] = ContextVar("entered", default=frozenset())


class FetchLock:
    """A lock file, held by a process while any of its threads fetches. The kernel frees it if the process dies.

    Where no lock can be had (a read-only or strange file system) the process goes on without:
    locks save requests, correctness does not depend on them. Calls may be nested: only the outermost waits.
    """

    def __init__(self, path: Callable[[], str]) -> None:
        """`path` names the lock file, made on first use, and returns "" where there can be none."""
        self._path = path
        self._mutex = Lock()
        self._holders = 0
        self._unlock: Callable[[], object] | None = None
        # When the lock was last let go of, and since when it has been held with no pause that others could use.
        self._released_at = self._busy_since = -MAX_WAIT
        # When the lock file was modified: whoever waits for the lock touches it.
        self._touched_at = 0
        # Until then nobody waits again for a holder that hangs.
        self._impatient_until = 0.0
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Called in the child of a fork, where only the thread that forked is left."""
        # A thread of the parent that held it is not here.
        self._holders, self._unlock = 0, None

    def run(self, fetch: Callable[[], T], look_again: Callable[[], T | None]) -> T:
        """Return what `look_again` finds while waiting for the lock, or what `fetch` returns with the lock held."""
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
        """Like `run`, but where another process holds the lock, return None and leave it to that one."""
        return self._with_lock(fetch, look_again) if self._acquire() else None

    def _with_lock(self, fetch: Callable[[], T], look_again: Callable[[], T | None]) -> T:
        """What was fetched while the lock was waited for, else what `fetch` returns; the lock is let go of."""
        try:
            found = look_again()
            return self._entered(fetch) if found is None else found
        finally:
            self._release()

    def _entered(self, fetch: Callable[[], T]) -> T:
        """What `fetch` returns; nothing that it does waits for this lock."""
        token = _entered.set(_entered.get() | {id(self)})
        try:
            return fetch()
        finally:
            _entered.reset(token)

    def _acquire(self) -> bool:
        """Whether this process now holds the lock, or can have none."""
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
        """Whether another process waits for the lock that this one has had."""
        return _touched_at(self._path()) != self._touched_at

    def _owner(self) -> str:
        """Who holds the lock, in words."""
        pid, _, node = read_part(self._path(), 0, _OWNER_BYTES).decode("ascii", "replace").strip().partition(" ")
        if not pid.isdigit():
            return "another process"
        return f"process {pid}" if node in ("", _node()) else f"process {pid} on another machine"


class _LockFiles:
    """The lock files that this process has had open, by device and inode: a child of a fork lets go of them at once.

    filelock does so too, unless it was imported by a thread while another forked, and its hooks were not yet called.
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
            log.debug("cannot let go of inherited locks: %s", error)

    def _replace(self, number: int, null: int) -> None:
        try:
            found = os.fstat(number)
            if (found.st_dev, found.st_ino) in self._known:
                # Not closed: the number may be in use again when filelock closes it.
                os.dup2(null, number, inheritable=False)
        except OSError:
            # The folder itself, which has been read.
            pass


_lock_files = _LockFiles()


def _lock(path: str) -> Callable[[], object]:
    """Lock a file, made if it is not there; what is returned unlocks it. Raises `BlockingIOError` if it is held.

    Raises `OSError` where no lock can be had, as on a file system that has none.
    """
    # It takes a while to import; whoever locks is about to ask a server, and has begun to connect.
    import filelock

    # Made anew each time: a lock that a fork inherits is no use to the child.
    lock = filelock.FileLock(path, mode=0o600, thread_local=False, fallback_to_soft=False, preserve_lock_file=True)
    _lock_files.note(path)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout as error:
        raise BlockingIOError(f"{path} is locked") from error
    _lock_files.note(path)
    # For whoever waits.
    overwrite(path, f"{os.getpid()} {_node()}".ljust(_OWNER_BYTES - 1).encode("ascii", "replace") + b"\n", 0)
    return lock.release


@contextmanager
def file_lock(path: str) -> Iterator[None]:
    """Hold a lock file for a moment, waited for as long as another may need it; without, where none can be had."""
    if not path:
        yield
        return
    import filelock

    lock = filelock.FileLock(path, _MAX_MOMENT, mode=0o600, thread_local=False, fallback_to_soft=False)
    _lock_files.note(path)
    try:
        lock.acquire(poll_interval=_POLL)
        _lock_files.note(path)
    except (filelock.Timeout, OSError, NotImplementedError, RuntimeError) as error:
        log.debug("cannot lock %s: %s", path, error)
    try:
        yield
    finally:
        lock.release()


def _touch(path: str) -> None:
    try:
        os.utime(path, follow_symlinks=False)
    except (OSError, NotImplementedError):
        pass


def _touched_at(path: str) -> int:
    """When the file was modified last, in nanoseconds since the epoch; 0 where it cannot be seen."""
    try:
        return os.lstat(path).st_mtime_ns if path else 0
    except OSError:
        return 0


def _node() -> str:
    """This machine's name, a single word."""
    return os.uname().nodename.replace(" ", "_")[:64] if hasattr(os, "uname") else ""
