"""Single files of the cache: read without trusting them, replaced atomically, private to this user."""

from __future__ import annotations

import errno
import os
import stat
import time

from .. import _log as log
from ..model.records import NamedTuple
from .trust import is_trusted_file, open_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# O_NOFOLLOW is POSIX only, O_BINARY Windows only.
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
# Without this, a file must be closed before it is dated.
DATES_OPEN_FILES = os.utime in os.supports_fd
# Another process may remove a folder while it is made.
_TRIES = 3
# Age in seconds at which a temporary file is a killed writer's: a live one renames it within a second.
LEFTOVER_SECONDS = 600.0
_RANDOM_BYTES = 6
# How long to wait, at the end of the process, for threads that are writing a file.
_FINISHING_SECONDS = 0.2
# Unfinished temporary files, with the process that made each: a child of a fork must not touch its parent's.
_unfinished: dict[str, int] = {}
_finishes_at_exit = False
_is_ending = False


class Signature(NamedTuple):
    """Identifies one state of a file.

    A replaced file has another inode, even with the same time and size. A file written in place has another change
    time, even if its modification time was reset.
    """

    mtime_ns: int
    ctime_ns: int
    size: int
    inode: int

    @property
    def mtime(self) -> float:
        """Seconds since the epoch."""
        return self.mtime_ns / 1e9


class StoredFile(NamedTuple):
    """A file's bytes, and its state when they were read."""

    data: bytes
    signature: Signature


def read_file(path: str, limit: int) -> StoredFile | None:
    """A file's bytes, or None if absent, unreadable, a link, a folder, another user's or over `limit` bytes."""
    try:
        file, found = open_trusted(path)
        with file:
            if found.st_size > limit:
                return None
            data = file.readall()
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) != errno.ENOENT:
            log.debug("cannot read %s: %s", path, error)
        return None
    return StoredFile(data, _signature(found))


def signature_of(path: str) -> Signature | None:
    """A file's state, without reading it; None if it is missing or not trusted."""
    try:
        found = os.lstat(path)
        return _signature(found) if is_trusted_file(found, path) else None
    except (OSError, ValueError):
        return None


def replace_file(path: str, data: bytes, mtime: float | None = None, temporary: str = "") -> Signature:
    """Replace the file `path` atomically, dated `mtime` (seconds since the epoch).

    Until complete it is named `temporary`, by default `path`, plus a random suffix. An empty folder at `path` is
    removed. Raises `OSError`.
    """
    _finish_at_exit()
    temporary = f"{temporary or path}.{os.urandom(_RANDOM_BYTES).hex()}"
    _unfinished[temporary] = os.getpid()
    try:
        if _is_ending:
            raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED), path)
        descriptor = os.open(temporary, _CREATE_FLAGS, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            if DATES_OPEN_FILES:
                _date(descriptor, mtime)
                _rename(temporary, path)
                # After renaming, which sets the change time.
                return _signature(os.fstat(descriptor))
        finally:
            os.close(descriptor)
        # On Windows, closing a file dates it, and an open file cannot be renamed.
        _date(temporary, mtime)
        _rename(temporary, path)
        return _signature(os.stat(path))
    except BaseException as error:
        _unlink(temporary)
        if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path) from error
        raise
    finally:
        _unfinished.pop(temporary, None)


def finish_writing() -> None:
    """At the end of the process, let threads finish the files they are writing, and start no others."""
    global _is_ending
    _is_ending = True
    deadline = time.monotonic() + _FINISHING_SECONDS
    try:
        while os.getpid() in list(_unfinished.values()) and time.monotonic() < deadline:
            time.sleep(0.001)
    finally:
        # Also after an interrupt.
        for temporary, pid in _unfinished.copy().items():
            if pid == os.getpid():
                _unlink(temporary)


def _finish_at_exit() -> None:
    """Register `finish_writing`: at exit, daemon threads are stopped in the middle of a write."""
    global _finishes_at_exit
    if not _finishes_at_exit:
        _finishes_at_exit = True
        import atexit

        atexit.register(finish_writing)


def remove_leftovers(folder: str, is_ours: Callable[[str], bool]) -> None:
    """Remove the temporary files of killed writers in `folder`; `is_ours` gets the name without its suffix."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name, _, suffix = entry.name.rpartition(".")
                if len(suffix) != 2 * _RANDOM_BYTES or suffix.strip("0123456789abcdef") or not is_ours(name):
                    continue
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(found.st_mode) and time.time() - found.st_mtime > LEFTOVER_SECONDS:
                    _unlink(entry.path)
    except (OSError, ValueError):
        pass


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except (OSError, ValueError):
        pass


def refresh_file(path: str, data: bytes, mtime: float) -> Signature | None:
    """Set the date of a file that already holds exactly `data`. Its new state; None if it must be replaced.

    A file that replaces it meanwhile keeps its own date.
    """
    if not DATES_OPEN_FILES:
        return None
    try:
        file, found = open_trusted(path)
        with file:
            if found.st_size != len(data) or file.readall() != data:
                return None
            _date(file.fileno(), mtime)
            return _signature(os.fstat(file.fileno()))
    except OSError:
        return None


def _date(file: int | str, mtime: float | None) -> None:
    """Set the modification time of a file (or descriptor), unless `mtime` is None."""
    if mtime is not None:
        moment = to_nanoseconds(mtime)
        os.utime(file, ns=(moment, moment))


def _rename(temporary: str, path: str) -> None:
    try:
        os.replace(temporary, path)
    except IsADirectoryError:
        os.rmdir(path)
        os.replace(temporary, path)


def read_part(path: str, at: int, size: int) -> bytes:
    """Read `size` bytes at offset `at`, fewer at the end of the file; b"" if it is missing or not trusted."""
    try:
        file, _ = open_trusted(path)
        with file:
            file.seek(at)
            return file.read(size)
    except (OSError, ValueError):
        return b""


def overwrite(path: str, data: bytes, at: int) -> None:
    """Write into a file in place, for files that others hold open. Creates the file; a failure is not an error."""
    try:
        file, _ = open_trusted(path, os.O_WRONLY | os.O_CREAT)
        with file:
            file.seek(at)
            file.write(data)
    except (OSError, ValueError):
        pass


def make_folder(folder: str, root: str) -> None:
    """Make `folder` and its parents, each private to this user.

    Raises `OSError`, also if a folder below the cache's `root` is a symbolic link or a file.
    """
    below = folders_between(root, os.path.join(folder, "file"))
    for _ in range(_TRIES):
        try:
            if not os.path.isdir(root):
                _make_with_parents(root)
            for path in below:
                _make_one(path)
            return
        except FileNotFoundError as error:
            # Another process has just removed a parent.
            vanished = error
    raise vanished


def _make_one(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError as error:
        if not is_folder(path):
            raise OSError(errno.ELOOP, "a symbolic link leads out of it, or a file is in the way", path) from error


def _make_with_parents(path: str) -> None:
    """Like os.makedirs, but with the mode on every folder made."""
    parent = os.path.dirname(path)
    if parent not in ("", path) and not os.path.isdir(parent):
        _make_with_parents(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError as error:
        if not os.path.isdir(path):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from error


def folders_between(top: str, path: str) -> list[str]:
    """The folders strictly between `top` and `path`, outermost first."""
    parts = path[len(top) :].strip(os.sep).split(os.sep)[:-1] if path.startswith(top) else []
    return [os.path.join(top, *parts[: count + 1]) for count in range(len(parts))]


def is_folder(path: str) -> bool:
    """Whether `path` is a folder, and not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def reason_of(error: Exception) -> str:
    """Why a file could not be written or removed, in words."""
    return getattr(error, "strerror", None) or str(error)


def to_nanoseconds(seconds: float) -> int:
    """Seconds as whole nanoseconds."""
    return int(seconds * 1e9)


def _signature(found: os.stat_result) -> Signature:
    return Signature(found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
