"""`DocumentWriter`: writes a cluster's documents, and pauses while the disk cannot be written."""

from __future__ import annotations

import errno
import os
import time

from .. import _log as log
from .._concurrency import Lock
from .files import Signature, make_folder, reason_of, refresh_file, remove_leftovers, replace_file
from .layout import TEMPORARY
from .trust import distrust_below, distrust_of_file

# Errors that concern one document, not the whole disk. ECANCELED means that the process is about to end.
_OF_ONE = (errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EXDEV, errno.ECANCELED)
# These too concern one document, if the cluster's folder can be written.
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
# Another process may remove a folder while a document is written to it.
_TRIES = 3
# Seconds before a retry on a disk that could not be written; the pause doubles after each failure.
_FIRST_PAUSE = 60.0
_LONGEST_PAUSE = 3600.0


class DocumentWriter:
    """Writes below a cluster's folder, which must be trusted. Safe for use by several threads."""

    def __init__(self, root: str, folder: str) -> None:
        self._root = root
        self._folder = folder
        self._mutex = Lock()
        # The length of the pause, 0 while the disk can be written; and its end, on the monotonic clock.
        self._pause = 0.0
        self._paused_until = 0.0
        self._has_tidied = False
        # Folders that this has made, or found. Replaced as a whole.
        self._known: frozenset[str] = frozenset()

    @property
    def may_try(self) -> bool:
        """Whether the disk can be written, or the pause is over."""
        return not self._pause or time.monotonic() >= self._paused_until

    def write(self, path: str, data: bytes, mtime: float) -> Signature | None:
        """Replace the document at `path`, dated `mtime`. Its new state; None if it was not written."""
        # Each time: a folder made before may be a link by now.
        reason = distrust_below(self._root, self._folder) or distrust_of_file(self._root, self._folder, path)
        if reason:
            log.debug("cannot write %s: %s", path, reason)
            return None
        try:
            written = refresh_file(path, data, mtime) or self._replace(path, data, mtime)
        except (OSError, ValueError) as error:
            if self._is_of_one(error):
                log.debug("cannot write %s: %s", path, error)
            elif self._begin_pause():
                reason = reason_of(error)
                log.warning("the discovery cache %s cannot be written (%s): going on without", self._folder, reason)
            return None
        # A write that began before the pause proves nothing.
        if self._pause and self.may_try:
            self._pause = 0.0
            log.debug("the discovery cache %s can be written again", self._folder)
        return written

    def unlink(self, path: str) -> bool:
        """Remove the document at `path`; whether there was one. Raises `OSError` if it stays."""
        reason = distrust_of_file(self._root, self._folder, path)
        if reason:
            raise PermissionError(errno.EPERM, reason, path)
        try:
            os.unlink(path)
        except FileNotFoundError:
            return False
        return True

    def _replace(self, path: str, data: bytes, mtime: float) -> Signature:
        if not self._has_tidied:
            self._has_tidied = True
            remove_leftovers(self._folder, _is_ours)
        for _ in range(_TRIES):
            try:
                self._make_folders(self._folder, os.path.dirname(path))
                return replace_file(path, data, mtime, os.path.join(self._folder, TEMPORARY))
            except FileNotFoundError as error:
                self._known = frozenset()
                vanished = error
        raise vanished

    def _make_folders(self, *folders: str) -> None:
        for folder in folders:
            known = self._known
            if folder not in known:
                make_folder(folder, self._root)
                self._known = known | {folder}

    def _is_of_one(self, error: Exception) -> bool:
        """Whether an error concerns one document, not the whole disk."""
        number = getattr(error, "errno", None)
        return number in _OF_ONE or (number in _REFUSED and os.access(self._folder, os.W_OK | os.X_OK))

    def _begin_pause(self) -> bool:
        """Begin or extend the pause; whether the disk was thought to be writable before."""
        with self._mutex:
            is_news = not self._pause
            # Threads that failed at the same time extend the pause once.
            if self.may_try:
                self._pause = min(2 * self._pause, _LONGEST_PAUSE) or _FIRST_PAUSE
                self._paused_until = time.monotonic() + self._pause
            return is_news


def _is_ours(name: str) -> bool:
    return name.startswith(".cachediscovery.")
