"""`DocumentStore`: one cluster's documents, a file each, in kubectl's layout.

It knows bytes, not what they mean: reading never fails (what cannot be read is not there), and
writing replaces a file whole or not at all.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

from .. import log
from ..names import is_group_name, is_version_name
from .trust import distrust_of_folder, is_trusted_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# The key of servergroups.json; every other key is a group version.
GROUPS = ""
GROUPS_FILE = "servergroups.json"
RESOURCES_FILE = "serverresources.json"
LOCK_FILE = ".cachediscovery.lock"
MAX_FILE_BYTES = 64 << 20

# POSIX only; elsewhere there is no link to follow, and no FIFO to hang on.
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_READ_FLAGS = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | getattr(os, "O_BINARY", 0)
# Something else stands where this one document or its folder belongs: no reason to give up on the others.
_IN_THE_WAY = (errno.EISDIR, errno.ENOTDIR, errno.ELOOP)


class Signature(NamedTuple):
    """Tells one state of a file from another: a replaced file has another inode, whatever its time and size."""

    mtime_ns: int
    size: int
    inode: int

    @property
    def mtime(self) -> float:
        """Seconds since the epoch."""
        return self.mtime_ns / 1e9


class StoredDocument(NamedTuple):
    """A file's bytes and the state it was in when they were read."""

    data: bytes
    signature: Signature


class DocumentStore:
    """The documents below one cluster's folder. Safe for use by several threads and processes.

    A key is `GROUPS` or a group version such as `apps/v1`. Keys that are no safe path have no file.
    """

    def __init__(self, root: str, folder: str) -> None:
        """`folder` is the cluster's, as `folders.cluster_folder` names it, below `root`."""
        self.root = root
        self.folder = folder
        self._may_write = True
        self._trusted: bool | None = None
        self._noted = 0.0

    def path(self, key: str) -> str:
        """The file of a document; "" for a key that cannot be one."""
        if key == GROUPS:
            return os.path.join(self.folder, GROUPS_FILE)
        group, slash, version = key.rpartition("/")
        # A group of this name would be a folder where kubectl wants its file.
        if not is_version_name(version) or (slash and (not is_group_name(group) or group == GROUPS_FILE)):
            return ""
        return os.path.join(self.folder, *([group] if slash else []), version, RESOURCES_FILE)

    def read(self, key: str) -> StoredDocument | None:
        """A document's bytes, or None: absent, unreadable, a link, a folder, another user's, too large."""
        path = self.path(key)
        if not path or not self._is_trusted() or not self._is_plain(path):
            return None
        try:
            with open(os.open(path, _READ_FLAGS), "rb", buffering=0) as file:
                found = os.fstat(file.fileno())
                if not is_trusted_file(found) or found.st_size > MAX_FILE_BYTES:
                    return None
                data = file.readall()
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) != errno.ENOENT:
                log.debug("cannot read %s: %s", path, error)
            return None
        return StoredDocument(data, _signature(found))

    def signature(self, key: str) -> Signature | None:
        """The state of a document's file without reading it; None where `read` would find nothing."""
        path = self.path(key)
        if not path or not self._is_trusted():
            return None
        try:
            found = os.lstat(path)
        except (OSError, ValueError):
            return None
        return _signature(found) if is_trusted_file(found) else None

    def write(self, key: str, data: bytes, mtime: float) -> Signature | None:
        """Replace a document, as of `mtime` (seconds since the epoch); its new state, or None if it was not written.

        A folder that cannot be written costs one warning, and is then left alone by this store.
        """
        path = self.path(key)
        if not path or not self._may_write or not self._is_trusted():
            return None
        try:
            self._make_folder(os.path.dirname(path))
            return _replace(path, data, mtime)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) in _IN_THE_WAY:
                log.debug("cannot write %s: %s", path, error)
                return None
            self._may_write = False
            log.warning("the discovery cache %s cannot be written (%s): going on without", self.folder, _reason(error))
        return None

    def remove(self, key: str) -> bool:
        """Remove a document's file; whether there was one."""
        path = self.path(key)
        if not path or not self._is_trusted() or not self._is_plain(path):
            return False
        try:
            os.unlink(path)
        except (OSError, ValueError):
            return False
        return True

    def keys(self) -> Iterator[str]:
        """The keys of all documents that have a file here, `GROUPS` among them."""
        if not self._is_trusted():
            return
        if os.path.lexists(self.path(GROUPS)):
            yield GROUPS
        for first in _folders_in(self.folder):
            if os.path.lexists(os.path.join(self.folder, first, RESOURCES_FILE)) and self.path(first):
                yield first
            for second in _folders_in(os.path.join(self.folder, first)):
                key = f"{first}/{second}"
                if self.path(key) and os.path.lexists(self.path(key)):
                    yield key

    def note_fetch(self, asked_at: float) -> None:
        """Note in the lock file that the documents dated `asked_at` were asked for then, and not just written."""
        if not self._may_write or self._noted == asked_at:
            return
        self._noted = asked_at
        try:
            with open(os.open(self.lock_path(), os.O_WRONLY | _NO_FOLLOW), "wb", buffering=0) as file:
                file.write(b"%020d\n" % _nanoseconds(asked_at))
        except (OSError, ValueError):
            pass

    def last_fetch(self) -> int:
        """The `mtime_ns` of the documents last fetched by way of `note_fetch`, by any process; 0 for none."""
        path = os.path.join(self.folder, LOCK_FILE)
        try:
            with open(os.open(path, _READ_FLAGS), "rb", buffering=0) as file:
                return int(file.read(32)) if is_trusted_file(os.fstat(file.fileno())) else 0
        except (OSError, ValueError):
            return 0

    def lock_path(self) -> str:
        """The file to lock while fetching, its folder made; "" where there can be none."""
        if not self._may_write or not self._is_trusted():
            return ""
        try:
            self._make_folder(self.folder)
        except (OSError, ValueError):
            return ""
        return os.path.join(self.folder, LOCK_FILE)

    def _is_trusted(self) -> bool:
        if self._trusted is None:
            folders = [self.root, *_between(self.root, self.folder), self.folder]
            reason = next(filter(None, map(distrust_of_folder, folders)), "")
            self._trusted = not reason
            if reason:
                log.warning("the discovery cache is not used: %s", reason)
        return self._trusted

    def _is_plain(self, path: str) -> bool:
        """Whether the folders from the cluster's down to `path` are folders, and no links to elsewhere."""
        return all(_is_folder(folder) for folder in _between(self.folder, path))

    def _make_folder(self, folder: str) -> None:
        """Make `folder` and those above it, for this user alone. Raises `OSError`, also for a link in the way."""
        if not os.path.isdir(folder):
            missing = folder
            while not os.path.isdir(parent := os.path.dirname(missing)) and parent != missing:
                missing = parent
            # os.makedirs gives the mode to the last folder alone.
            for path in [missing, *_between(missing, folder), folder]:
                try:
                    os.mkdir(path, 0o700)
                except FileExistsError:
                    if not os.path.isdir(path):
                        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
        if not self._is_plain(os.path.join(folder, RESOURCES_FILE)):
            raise OSError(errno.ELOOP, "a symbolic link leads out of it", folder)


def _between(top: str, path: str) -> list[str]:
    """The folders strictly between `top` and `path`, outermost first."""
    relative = path[len(top) :].strip(os.sep)
    parts = relative.split(os.sep)[:-1] if path.startswith(top) else []
    return [os.path.join(top, *parts[: count + 1]) for count in range(len(parts))]


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def _folders_in(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _signature(found: os.stat_result) -> Signature:
    return Signature(found.st_mtime_ns, found.st_size, found.st_ino)


def _replace(path: str, data: bytes, mtime: float) -> Signature:
    temporary = f"{path}.{os.urandom(6).hex()}"
    try:
        with open(os.open(temporary, _WRITE_FLAGS, 0o600), "wb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
        # The age of a document counts from when the server was asked, not from when the disk was done.
        os.utime(temporary, ns=(_nanoseconds(mtime), _nanoseconds(mtime)))
        found = os.lstat(temporary)
        try:
            os.replace(temporary, path)
        except IsADirectoryError:
            os.rmdir(path)
            os.replace(temporary, path)
    except BaseException as error:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path) from None
        raise
    return _signature(found)


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
