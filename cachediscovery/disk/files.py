"""Files of the cache, one at a time: read without trust, replaced whole, made for this user alone."""

from __future__ import annotations

import errno
import os
import stat

from .. import log
from ..records import NamedTuple
from .trust import is_trusted_file

# POSIX only; elsewhere there is no link to follow, and no FIFO to hang on.
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_READ_FLAGS = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | _BINARY
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | _BINARY
# Elsewhere a file has to be closed before it is dated.
DATES_OPEN_FILES = os.utime in os.supports_fd
# Another process may remove what is being made.
_TRIES = 3


class Signature(NamedTuple):
    """Tells one state of a file from another.

    A replaced file has another inode, whatever its time and size; one that was written in place has another change
    time, whatever its modification time was set to.
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
    """A file's bytes and the state it was in when they were read."""

    data: bytes
    signature: Signature


def read_file(path: str, limit: int) -> StoredFile | None:
    """A file's bytes, or None: absent, unreadable, a link, a folder, another user's, larger than `limit` bytes."""
    try:
        with open(os.open(path, _READ_FLAGS), "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            if not is_trusted_file(found) or found.st_size > limit:
                return None
            data = file.readall()
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) != errno.ENOENT:
            log.debug("cannot read %s: %s", path, error)
        return None
    return StoredFile(data, _signature(found))


def signature_of(path: str) -> Signature | None:
    """A file's state without reading it; None where `read_file` would find nothing."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return None
    return _signature(found) if is_trusted_file(found) else None


def replace_file(path: str, data: bytes, mtime: float | None = None) -> Signature:
    """Put a new file in the place of `path`, whole or not at all, dated `mtime` (seconds since the epoch).

    Raises `OSError`; an empty folder in the way is removed.
    """
    temporary = f"{path}.{os.urandom(6).hex()}"
    try:
        descriptor = os.open(temporary, _CREATE_FLAGS, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            if DATES_OPEN_FILES:
                _date(descriptor, mtime)
                _rename(temporary, path)
                # Renaming changes a file's change time.
                return _signature(os.fstat(descriptor))
        finally:
            os.close(descriptor)
        # On Windows closing a file dates it, and an open one cannot be renamed.
        _date(temporary, mtime)
        _rename(temporary, path)
        return _signature(os.stat(path))
    except BaseException as error:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path) from None
        raise


def refresh_file(path: str, data: bytes, mtime: float) -> Signature | None:
    """Date a file anew that holds just `data`; its new state, or None where it has to be replaced.

    A file that is replaced meanwhile keeps its own date.
    """
    if not DATES_OPEN_FILES:
        return None
    try:
        with open(os.open(path, _READ_FLAGS), "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            if not is_trusted_file(found) or found.st_size != len(data) or file.readall() != data:
                return None
            _date(file.fileno(), mtime)
            return _signature(os.fstat(file.fileno()))
    except OSError:
        return None


def _date(file: int | str, mtime: float | None) -> None:
    """Date a file (or its descriptor) `mtime`, if that is given."""
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
    """`size` bytes from `at` on, fewer at the end of the file; b"" where `read_file` would find nothing."""
    try:
        with open(os.open(path, _READ_FLAGS), "rb", buffering=0) as file:
            file.seek(at)
            return file.read(size) if is_trusted_file(os.fstat(file.fileno())) else b""
    except (OSError, ValueError):
        return b""


def overwrite(path: str, data: bytes, at: int) -> None:
    """Write into a file in its place, made if it is not there; for files that others hold open. Failing is no error."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | _NO_FOLLOW | _BINARY
        with open(os.open(path, flags, 0o600), "wb", buffering=0) as file:
            file.seek(at)
            file.write(data)
    except (OSError, ValueError):
        pass


def make_folder(folder: str, top: str) -> None:
    """Make `folder` and those above it, for this user alone.

    Raises `OSError`, also for a symbolic link or a file in the place of a folder below `top`.
    """
    below = folders_between(top, os.path.join(folder, "file"))
    for _ in range(_TRIES):
        try:
            if not os.path.isdir(top):
                _make_with_parents(top)
            for path in below:
                _make_one(path)
            return
        except FileNotFoundError as error:
            # Another process has just removed what was made above it.
            vanished = error
    raise vanished


def _make_one(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not is_folder(path):
            raise OSError(errno.ELOOP, "a symbolic link leads out of it, or a file is in the way", path) from None


def _make_with_parents(path: str) -> None:
    """Unlike os.makedirs give the mode to every folder that is made."""
    parent = os.path.dirname(path)
    if parent not in ("", path) and not os.path.isdir(parent):
        _make_with_parents(parent)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None


def folders_between(top: str, path: str) -> list[str]:
    """The folders strictly between `top` and `path`, outermost first."""
    parts = path[len(top) :].strip(os.sep).split(os.sep)[:-1] if path.startswith(top) else []
    return [os.path.join(top, *parts[: count + 1]) for count in range(len(parts))]


def is_folder(path: str) -> bool:
    """Whether `path` is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def to_nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


def _signature(found: os.stat_result) -> Signature:
    return Signature(found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
