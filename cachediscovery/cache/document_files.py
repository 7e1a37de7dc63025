"""`DocumentFiles`: the documents' files, read and written by the rules of invalidation.

Within the process the monotonic clock decides what is older. A file has only its date, and clocks get set. So the files
present at an invalidation are noted: they are older than it, whatever their dates.
"""

from __future__ import annotations

import time

from .. import _log as log
from .._concurrency import Lock
from ..disk.document_store import GROUPS
from ..disk.layout import is_url
from ..model.fields import MalformedDocument
from ..model.records import NamedTuple
from .entry import document_from
from .memory_layer import are_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from ..disk.document_store import DocumentStore
    from ..disk.files import Signature
    from .entry import Asked, Document

# A file written less than this many seconds after an invalidation may hold what was fetched before it: kubectl dates a
# file when it writes it, and the request may have begun that much earlier.
_IN_FLIGHT = 40.0
# Seconds by which a file may be dated in the future: network file systems have their own clocks.
_MAX_CLOCK_SKEW = 5.0


class _Invalidation(NamedTuple):
    """When it happened, on the monotonic clock and in seconds since the epoch; and the files present, by key."""

    moment: float = float("-inf")
    at: float = 0.0
    files: dict[str, Signature] = {}


_NONE = _Invalidation()


class DocumentFiles:
    """The files of one cluster's documents, parsed. Safe for use by several threads."""

    def __init__(self, store: DocumentStore | None, parse: Callable[[str, bytes], Document] = document_from) -> None:
        """Use the files of `store`. Without one there are no files, but invalidations are still recorded."""
        self._store = store
        self._parse = parse
        self._lock = Lock()
        self._all = _NONE
        self._of_key: dict[str, _Invalidation] = {}

    @property
    def is_invalidated(self) -> bool:
        """Whether anything was ever invalidated."""
        return self._all is not _NONE or bool(self._of_key)

    def read(self, key: str) -> tuple[Document, Signature, str] | None:
        """The document of any age, the state of its file, and its epoch (`ClusterRecord.epoch`).

        None if it is missing, broken, dated in the future, or from before an invalidation.
        """
        if self._store is None:
            return None
        epoch, stored = self._store.record().epoch, self._store.read(key)
        if stored is None or not are_one(epoch, self._store.record().epoch):
            return None
        path, signature = self._store.path(key), stored.signature
        if not self._is_permitted(key, signature):
            log.debug("cache miss: %s is older than the last invalidation", path)
            return None
        if signature.mtime > time.time() + _MAX_CLOCK_SKEW:
            log.debug("cache miss: %s is dated in the future", path)
            return None
        try:
            return self._parse(key, stored.data), signature, epoch
        except MalformedDocument as error:
            log.debug("cache miss: %s: %s", path, error)
            return None

    def write(self, key: str, data: bytes, asked: Asked) -> Signature | None:
        """Replace the document's file. Its new state; None if it was not written."""
        if self._store is None:
            return None
        # Noted first: a reader who finds the document must know that its date is that of its fetch.
        self._store.note_fetch(asked.at)
        return self._store.write(key, data, asked.at, asked.epoch)

    def remove(self, key: str) -> None:
        """Remove a document's file, if it is there."""
        if self._store is not None:
            self._store.remove(key)

    def remove_except(self, keys: Set[str]) -> None:
        """Remove the files of all discovery documents except `keys`."""
        for key in self._keys(keys):
            if not is_url(key):
                self.remove(key)

    def was_fetched_at(self, signature: Signature) -> bool:
        """Whether the file's date is that of its fetch. kubectl dates its files when they are written."""
        return self._store is not None and self._store.was_fetch(signature.mtime_ns)

    def has_core_group(self) -> bool:
        """Whether there is a file of the core group."""
        if self._store is None or not self._store.is_of_cluster():
            return False
        return any("/" not in key for key in self._keys({GROUPS}))

    def may_put(self, key: str, asked: Asked) -> bool:
        """Whether a document requested then may be kept: nothing was invalidated since, and no file is newer.

        A file can be newer than a document that comes from a shared cache.
        """
        if asked.moment < self.invalidated_at(key):
            return False
        signature = self._store.signature(key) if self._store is not None and asked.is_shared else None
        return signature is None or signature.mtime <= asked.at or not self._is_permitted(key, signature)

    def invalidate(self, key: str | None, moment: float | None = None) -> None:
        """Invalidate everything (None), or one document: read nothing older than this moment.

        `moment`, on the monotonic clock, is that of an invalidation which this process has just heard of.
        """
        now, at = time.monotonic(), time.time()
        if moment is not None:
            at -= now - moment
        moment = now if moment is None else moment
        # List the files after taking the time: a file written between the two is fetched again, never used wrongly.
        keys = [key] if key is not None else [GROUPS, *self._keys({GROUPS})]
        files = {} if self._store is None else {name: self._store.signature(name) for name in keys}
        made = _Invalidation(moment, at, {name: found for name, found in files.items() if found is not None})
        with self._lock:
            if key is None:
                self._all, self._of_key = made, {}
            else:
                self._of_key = {**self._of_key, key: made}

    @property
    def last_invalidation(self) -> float:
        """When any document was last invalidated, on the monotonic clock; minus infinity if never."""
        return max(made.moment for made in (self._all, *self._of_key.values()))

    def invalidated_at(self, key: str) -> float:
        """When the document was last invalidated, on the monotonic clock; minus infinity if never."""
        return self._latest(key).moment

    def _is_permitted(self, key: str, signature: Signature) -> bool:
        """Whether a file in this state was surely fetched after the document was last invalidated."""
        latest = self._latest(key)
        if latest is _NONE:
            return True
        if latest.files.get(key) == signature:
            return False
        if signature.mtime >= latest.at + _IN_FLIGHT:
            return True
        return signature.mtime >= latest.at and self.was_fetched_at(signature)

    def _keys(self, but: Set[str]) -> list[str]:
        return list(self._store.keys(but)) if self._store is not None else []

    def _latest(self, key: str) -> _Invalidation:
        of_key = self._of_key.get(key, _NONE)
        return of_key if of_key.moment > self._all.moment else self._all
