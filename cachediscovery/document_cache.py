"""`DocumentCache`: one cluster's documents, in memory over disk, and the rules by which they still hold. No HTTP.

A document is known by its key: `GROUPS`, or a group version such as `apps/v1`.
"""

from __future__ import annotations

import os
import time

from . import log
from .concurrency import Lock
from .disk.files import Signature
from .disk.store import GROUPS, DocumentStore
from .index.search import COLUMNS, IndexSearch, read_sound_index
from .memory import FUTURE, NEVER, Asked, Entry, Groups, document_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence, Set
    from typing import TypeAlias

    from .errors import DiscoveryError
    from .index.index_file import Index
    from .invalidations import Invalidations
    from .memory import Document
    from .schema import GroupVersion
    from .types import APIGroupList, APIResourceList

    # The groups, the resources of their versions, and the versions that failed.
    Everything: TypeAlias = tuple[
        APIGroupList, dict[GroupVersion, APIResourceList], Mapping[GroupVersion, DiscoveryError]
    ]

# An answer in whose course another cluster took over is put together anew.
_TRIES = 3
# With no more documents than this in memory, all of them are read from the index, which is one file.
_FEW = 2


class DocumentCache:
    """The memory layer and the disk layer behind one set of rules. Safe for use by several threads."""

    def __init__(self, store: DocumentStore | None, ttl: float, coherence: float, grace: float = 0.0) -> None:
        """`store` may be None: memory alone. All times are in seconds.

        For `grace` seconds after they have expired, documents are there for whoever would rather have them than wait.
        """
        self.store = store
        self._ttl = ttl
        self._coherence = coherence
        self._grace = grace
        # Called whenever one that has expired was given away.
        self.on_expired: Callable[[], None] = _nothing
        # Guards all below, and is never held while files are read or written.
        self._mutex = Lock()
        self._entries: dict[str, Entry] = {}
        # None until the first one.
        self._invalidations: Invalidations | None = None
        # The index used in place of documents that were not read, until one of them changes; and its table.
        self._index: tuple[Index, IndexSearch] | None = None
        self._revision = 0
        self._revised_at = 0.0
        # The epoch (`ClusterRecord.epoch`) of the documents in memory, "" while it is not known; how often documents
        # were dropped because another cluster took over.
        self._epoch = ""
        self.clusters = 0
        # The epoch in which the cluster is asked.
        self.current_epoch: Callable[[], str] = self._epoch_on_disk
        # Whether a document of the core group was put here.
        self._has_core = False
        # True while everything used was put here by `keep` since the last invalidation.
        self.fresh = True

    def peek(self, key: str) -> Document | None:
        """The document if it is in memory, and its file was looked at within the bound of coherence."""
        entry = self._entries.get(key)
        if entry is not None and time.monotonic() - entry.checked_at < self._coherence and entry.is_current():
            return entry.value
        return None

    def look_up(self, key: str, *, look: bool = False, expired: bool = False) -> Document | None:
        """The document from memory or disk, or None; `look` looks at the file whatever the bound of coherence.

        With `expired` it may be one that has expired, but is within the time of grace.
        """
        entry = self._entries.get(key)
        now = time.monotonic()
        if entry is None or not self._still_holds(key, entry, now, look=look):
            entry = self._read(key)
        if entry is None:
            return None
        if not entry.is_current():
            if not expired:
                return None
            self.on_expired()
        if not entry.ours:
            self.fresh = False
        return entry.value

    def is_ours(self, key: str) -> bool:
        """Whether the document in memory was put there by `keep`."""
        entry = self._entries.get(key)
        return entry is not None and entry.ours

    def was_asked_since(self, key: str, since: float) -> bool:
        """Whether the document in memory was asked for at `since`, on the monotonic clock, or later."""
        entry = self._entries.get(key)
        if entry is None or entry.asked.moment < since:
            return False
        if entry.ours or entry.signature is None or self.store is None:
            return entry.ours
        # Unlike kubectl's, our files are dated when their fetch began.
        return self.store.was_fetch(entry.signature.mtime_ns)

    def everything(self, *, look: bool = False, expired: bool = False) -> Everything | None:
        """Groups and resources of one cluster from memory and disk, or None if one of them is missing."""
        for _ in range(_TRIES):
            clusters = self.clusters
            found = self._everything(look=look, expired=expired)
            if clusters == self.clusters:
                return found
        return None

    def _everything(self, *, look: bool, expired: bool) -> Everything | None:
        if len(self._entries) <= _FEW:
            self._read_all()
        groups = self.look_up(GROUPS, look=look, expired=expired)
        if not isinstance(groups, Groups):
            return None
        resources, missing = self.resources_of(groups.groups, look=look, expired=expired)
        return None if missing else (groups.groups, resources, groups.failed)

    def at_hand(self, stale: float) -> dict[str, Document]:
        """What callers have been answered with, or would be where the server cannot be asked.

        All in memory, and all on disk that did not expire more than `stale` seconds ago. `fresh` stays what it is.
        """
        if len(self._entries) <= _FEW:
            self._read_all()
        found: dict[str, Document] = {}
        waiting = {GROUPS, *self._entries}
        while waiting:
            key = waiting.pop()
            value = self._at_hand(key, stale)
            if value is not None:
                found[key] = value
            if isinstance(value, Groups):
                waiting |= {str(group_version) for group_version in value.groups.group_versions} - found.keys()
        return found

    def _at_hand(self, key: str, stale: float) -> Document | None:
        entry = self._entries.get(key)
        if entry is not None:
            return entry.value
        read = self._parse(key)
        if read is None:
            return None
        age = time.time() - read[1].mtime
        return read[0] if -FUTURE <= age < self._ttl + max(self._grace, stale) else None

    def resources_of(
        self, groups: APIGroupList, *, look: bool = False, expired: bool = False
    ) -> tuple[dict[GroupVersion, APIResourceList], list[GroupVersion]]:
        """The resource lists at hand, and the group versions that have none."""
        resources: dict[GroupVersion, APIResourceList] = {}
        missing = []
        for group_version in groups.group_versions:
            found = self.look_up(str(group_version), look=look, expired=expired)
            if found is None or isinstance(found, Groups):
                missing.append(group_version)
            else:
                resources[group_version] = found
        return resources, missing

    def index_search(self) -> IndexSearch | None:
        """The index's table of resources, where it says what all documents would; None where it does not."""
        if self._index is not None:
            # All who use an index use the same one, and are told together when it no longer holds.
            self.revision()
        with self._mutex:
            known = self._index
        if known is not None and self._may_use_index():
            return known[1]
        index = self._read_index(COLUMNS, self._ttl)
        if index is None:
            return None
        try:
            made = index, IndexSearch.of_index(index)
        except ValueError as error:
            log.debug("cache miss: the index of %s: %s", index.folder, error)
            return None
        with self._mutex:
            # An invalidation, or a fetch, that came while it was read goes before.
            if not self._may_use_index():
                return None
            self._index = self._index or made
            self.fresh = False
            return self._index[1]

    def _read_index(self, names: Sequence[str], seconds: float) -> Index | None:
        """The index on disk, if no document in it is older than `seconds`, and it may be used; else None."""
        if self.store is None or not self._may_use_index():
            return None
        store = self.store
        index = read_sound_index(store.root, store.folder, names, store.authority, store.server)
        if index is None or not index.is_within(seconds) or not store.is_in_use():
            return None
        log.debug("cache hit: the index of %s", self.store.folder)
        return index

    def _read_all(self) -> None:
        """Put all documents into memory that the index has: one file is read in place of many."""
        from .index.documents import SECTIONS, whole_documents_of

        epoch = self._epoch_on_disk()
        index = self._read_index(SECTIONS, self._ttl + self._grace)
        if index is None or self.store is None:
            return
        try:
            groups, resources = whole_documents_of(index)
            signatures = {path: Signature(*fields) for path, fields in index.documents()}
            documents: dict[str, Document] = {GROUPS: Groups(groups, {})}
            documents.update((str(key), value) for key, value in resources.items())
            below = len(self.store.folder) + len(os.sep)
            entries = {
                key: self._entry_of(value, signatures[self.store.path(key)[below:]], epoch)
                for key, value in documents.items()
            }
        except (ValueError, LookupError, TypeError) as error:
            log.debug("cache miss: the index of %s: %r", self.store.folder, error)
            return
        if epoch != self._epoch_on_disk():
            return
        with self._mutex:
            self._enter(epoch)
            if self._may_use_index():
                self._entries = {**entries, **self._entries}

    def _may_use_index(self) -> bool:
        """An index may be older than an invalidation, and knows nothing of what is in memory alone."""
        return self._invalidations is None and not any(entry.ours for entry in list(self._entries.values()))

    def look_up_expired(self, key: str, stale: float) -> tuple[Document, float] | None:
        """The document from disk although it has expired, by up to `stale` seconds; and its age in seconds."""
        read = self._parse(key)
        if read is None:
            return None
        value, signature, _ = read
        age = time.time() - signature.mtime
        if not -FUTURE <= age < self._ttl + stale:
            return None
        self.fresh = False
        return value, max(0.0, age)

    def keep(self, key: str, value: Document, data: bytes | None, asked: Asked, ttl: float | None = None) -> None:
        """Put a document into memory, for `ttl` seconds at most, and, where there is `data`, on disk."""
        if asked.moment < self._invalidated_at(key) or not _are_one(asked.epoch, self.current_epoch()):
            # Asked for before an invalidation, or of another cluster: good for who asked, not for anybody later.
            return
        signature = None
        if self.store is not None and data is not None:
            # Noted first: whoever finds the document finds that it is no older than it seems.
            self.store.note_fetch(asked.at)
            signature = self.store.write(key, data, asked.at, asked.epoch)
            if asked.moment < self._invalidated_at(key):
                # Invalidated while it was written, for its being another cluster's perhaps: nobody is to find it.
                self.store.remove(key)
                return
        entry = Entry(
            value,
            asked,
            ttl=self._ttl if ttl is None else min(ttl, self._ttl),
            grace=self._grace if ttl is None else 0.0,
            signature=signature,
            ours=True,
        )
        with self._mutex:
            if asked.moment >= self._invalidated_at(key):
                self._enter(asked.epoch)
                known = self._entries.get(key)
                if (known is not None and known.value != value) or self._index is not None:
                    self._index = None
                    self._revision += 1
                self._entries[key] = entry
                self._has_core = self._has_core or (key != GROUPS and "/" not in key)

    def remove(self, key: str) -> None:
        """Remove a document's file: what is known now is not the whole."""
        if self.store is not None:
            self.store.remove(key)

    def retain(self, keys: Set[str]) -> None:
        """Remove all documents but those of `keys`, in memory and on disk."""
        with self._mutex:
            for key in [key for key in self._entries if key not in keys]:
                del self._entries[key]
                self._revision += 1
        if self.store is not None:
            for key in list(self.store.keys(keys)):
                self.store.remove(key)

    def invalidate(self, key: str | None) -> None:
        """Use nothing older than this moment: of everything (None), or of one document."""
        self._made_invalidations().add(key)
        with self._mutex:
            self._revision += 1
            self._index = None
            if key is None:
                self._entries.clear()
                self.fresh = True
            else:
                self._entries.pop(key, None)

    def forget(self) -> None:
        """Use nothing older than this moment, and nothing that follows from it: another cluster answers now."""
        self._has_core = False
        self.clusters += 1
        self.invalidate(None)

    def knows_core_group(self) -> bool:
        """Whether the cluster is known to have, or to have had, a core group."""
        if self._has_core:
            return True
        if self.store is None or not self.store.is_of_cluster():
            return False
        return any("/" not in key for key in self.store.keys({GROUPS}))

    def signatures(self) -> dict[str, Signature]:
        """The states of the files that the documents in memory were read from, or written to."""
        with self._mutex:
            return {key: entry.signature for key, entry in self._entries.items() if entry.signature is not None}

    def revision(self) -> int:
        """A number that changes when a document used before no longer holds. Looks at files within the bound."""
        now = time.monotonic()
        if now - self._revised_at >= self._coherence:
            self._revised_at = now
            known, store = self._index, self.store
            is_used = known is not None and known[0].holds() and known[0].is_within(self._ttl)
            if known is not None and not (is_used and store is not None and store.is_in_use()):
                with self._mutex:
                    if self._index is known:
                        self._index = None
                        self._revision += 1
            for key, entry in list(self._entries.items()):
                self._still_holds(key, entry, now)
        return self._revision

    def _still_holds(self, key: str, entry: Entry, now: float, *, look: bool = False) -> bool:
        """Whether an entry may be used; one that may not is dropped."""
        holds = entry.is_usable()
        if holds and (look or now - entry.checked_at >= self._coherence):
            if entry.signature is None or self.store is None:
                holds = _are_one(entry.asked.epoch, self.current_epoch())
            else:
                holds = self.store.signature(key) == entry.signature
            if holds:
                entry.checked_at = now
            else:
                log.debug("the document %r was replaced or removed by another process", key)
        if not holds:
            with self._mutex:
                if self._entries.get(key) is entry:
                    del self._entries[key]
                    self._revision += 1
        return holds

    def _parse(self, key: str) -> tuple[Document, Signature, str] | None:
        """The document on disk, whatever its age, the state of its file, and the epoch that it is from.

        None if it is not there, broken, or older than an invalidation.
        """
        epoch = self._epoch_on_disk()
        stored = self.store.read(key) if self.store is not None else None
        if stored is None or self.store is None or not _are_one(epoch, self._epoch_on_disk()):
            return None
        from .fields import MalformedDocument

        path, signature = self.store.path(key), stored.signature
        if self._invalidations is not None and not self._invalidations.permits(key, signature):
            log.debug("cache miss: %s is older than the last invalidation", path)
            return None
        try:
            value = document_from(key, stored.data)
        except MalformedDocument as error:
            log.debug("cache miss: %s: %s", path, error)
            return None
        with self._mutex:
            self._enter(epoch)
        return value, signature, epoch

    def _enter(self, epoch: str) -> None:
        """Drop the documents in memory that are not of this epoch. Called with the mutex held."""
        if not _are_one(epoch, self._epoch):
            self._entries.clear()
            self._index = None
            self._has_core = False
            self._revision += 1
            self.clusters += 1
        self._epoch = epoch or self._epoch

    def _epoch_on_disk(self) -> str:
        return self.store.record().epoch if self.store is not None else ""

    def _read(self, key: str) -> Entry | None:
        """The document from disk, put into memory; None if it is not there, or not to be used."""
        invalidated_at = self._invalidated_at(key)
        read = self._parse(key)
        if read is None or self.store is None:
            return None
        path = self.store.path(key)
        entry = self._entry_of(*read)
        if not entry.is_usable() or read[1].mtime > time.time() + FUTURE:
            log.debug("cache miss: %s has expired", path)
            return None
        log.debug("cache hit: %s", path)
        with self._mutex:
            # An invalidation that came while the file was read goes before.
            if invalidated_at != self._invalidated_at(key) or not _are_one(entry.asked.epoch, self._epoch):
                return None
            self._entries[key] = entry
        return entry

    def _made_invalidations(self) -> Invalidations:
        from .invalidations import Invalidations

        with self._mutex:
            self._invalidations = self._invalidations or Invalidations(self.store)
            return self._invalidations

    def _invalidated_at(self, key: str) -> float:
        """When the document was last invalidated, on the monotonic clock; minus infinity for never."""
        return self._invalidations.moment(key) if self._invalidations is not None else NEVER

    def _entry_of(self, value: Document, signature: Signature, epoch: str) -> Entry:
        """The entry of a document that was just read from its file, or from the index."""
        age = max(0.0, time.time() - signature.mtime)
        asked = Asked(signature.mtime, time.monotonic() - age, epoch)
        return Entry(value, asked, ttl=self._ttl, grace=self._grace, signature=signature, ours=False)


def _are_one(epoch: str, other: str) -> bool:
    """Whether documents of two epochs may be of one cluster; nothing is known of the epoch ""."""
    return epoch == other or not epoch or not other


def _nothing() -> None:
    """What is called where nobody wants to know."""
