"""`DocumentWriter`: writes the documents of a cluster, for as long as the disk can be written."""

from __future__ import annotations

import errno
import os
import time

from .. import _log as log
from .._concurrency import Lock
from .files import Signature, make_folder, reason_of, refresh_file, remove_leftovers, replace_file
from .layout import TEMPORARY
from .trust import distrust_below

# What these say of one document says nothing of the others; the last is that of a process that is about to end.
_OF_ONE = (errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EXDEV, errno.ECANCELED)
# Where the cluster's folder can be written, so do these.
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
# Another process may remove a folder that a document is just written to.
_TRIES = 3
# Seconds for which a disk that could not be written is left alone, twice as long after each further try.
_FIRST_PAUSE = 60.0
_LONGEST_PAUSE = 3600.0


class DocumentWriter:
    """Writes below a cluster's folder, which is trusted. Safe for use by several threads."""

    def __init__(self, root: str, folder: str) -> None:
        self._root = root
        self._folder = folder
        self._mutex = Lock()
        # How long the disk is left alone, 0 while it can be written; and until when, on the monotonic clock.
        self._pause = 0.0
        self._paused_until = 0.0
        self._has_tidied = False

    @property
    def may_try(self) -> bool:
        """Whether the disk can be written, or was left alone for long enough."""
        return not self._pause or time.monotonic() >= self._paused_until

    def write(self, path: str, data: bytes, mtime: float) -> Signature | None:
        """Replace the document at `path`, dated `mtime`; its new state, or None if it was not written."""
        reason = distrust_below(self._folder, os.path.dirname(path))
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
        if self._pause:
            self._pause = 0.0
            log.debug("the discovery cache %s can be written again", self._folder)
        return written

    def unlink(self, path: str) -> bool:
        """Remove the document at `path`; whether there was one. Raises `OSError` if it stays."""
        reason = distrust_below(self._folder, os.path.dirname(path))
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
                make_folder(os.path.dirname(path), self._root)
                return replace_file(path, data, mtime, os.path.join(self._folder, TEMPORARY))
            except FileNotFoundError as error:
                vanished = error
        raise vanished

    def _is_of_one(self, error: Exception) -> bool:
        """Whether an error is that of one document, and says nothing of the others."""
        number = getattr(error, "errno", None)
        return number in _OF_ONE or (number in _REFUSED and os.access(self._folder, os.W_OK | os.X_OK))

    def _begin_pause(self) -> bool:
        """Leave the disk alone for a while; whether it could be written before, as far as is known."""
        with self._mutex:
            is_news = not self._pause
            # Threads that tried at the same time have found the same.
            if self.may_try:
                self._pause = min(2 * self._pause, _LONGEST_PAUSE) or _FIRST_PAUSE
                self._paused_until = time.monotonic() + self._pause
            return is_news


def _is_ours(name: str) -> bool:
    return name.startswith(".cachediscovery.")
