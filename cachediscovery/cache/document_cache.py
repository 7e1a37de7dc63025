"""`DocumentCache`: one cluster's documents, in memory over disk, and the rules by which they may be used. No HTTP.

A document is known by its key: `GROUPS`, or a group version such as `apps/v1`.
"""

from __future__ import annotations

import time

from .. import _log as log
from .._concurrency import Lock, Once
from ..disk.document_store import GROUPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from ..disk.document_store import DocumentStore
    from ..disk.files import Signature
    from ..index.index_file import Index
    from ..index.search import IndexSearch
    from ..model.discovery_result import DiscoveryResult
    from ..model.group_version import GroupVersion
    from ..model.types import APIResourceList
    from .document_files import DocumentFiles
    from .entry import Asked, Document, Entry

# With no more documents than this in memory, all of them are read from the index, which is one file.
_FEW = 2


class DocumentCache:
    """The memory layer and the disk layer behind one set of rules. Safe for use by several threads."""

    def __init__(self, store: DocumentStore | None, ttl: float, recheck_interval: float, grace: float = 0.0) -> None:
        """`store` may be None: memory alone. All times are in seconds.

        For `grace` seconds after they have expired, documents are served to callers who allow it.
        """
        self.store = store
        self.ttl = ttl
        self._recheck_interval = recheck_interval
        self._grace = grace
        # Called whenever an expired document is served.
        self.on_expired: Callable[[], None] = _nothing
        # Guards all below, and is never held while files are read or written.
        self._mutex = Lock()
        self._entries: dict[str, Entry] = {}
        # None before the first document is read, written or invalidated: a warm start needs the index alone.
        self._files_made: Once[DocumentFiles] = Once()
        # The index used in place of documents that were not read, and its table.
        self._index: tuple[Index, IndexSearch] | None = None
        self._revision = 0
        self._revised_at = 0.0
        # Whether a document of the core group was put here.
        self._has_core = False
        # True while everything used was put here by `put` since the last invalidation.
        self.fresh = True

    def peek(self, key: str) -> APIResourceList | None:
        """The resources of a group version, if they are in memory and their file was checked within the interval."""
        entry = self._entries.get(key)
        if entry is not None and time.monotonic() - entry.checked_at < self._recheck_interval and entry.is_fresh():
            value: APIResourceList = entry.value  # type: ignore[assignment]
            return value
        return None

    def groups(self, *, recheck: bool = False, allow_expired: bool = False) -> DiscoveryResult | None:
        """The groups from memory or disk, or None: see `get`."""
        found: DiscoveryResult | None = self.get(GROUPS, recheck=recheck, allow_expired=allow_expired)  # type: ignore[assignment]
        return found

    def resources(self, key: str, *, recheck: bool = False, allow_expired: bool = False) -> APIResourceList | None:
        """The resources of a group version from memory or disk, or None: see `get`."""
        found: APIResourceList | None = self.get(key, recheck=recheck, allow_expired=allow_expired)  # type: ignore[assignment]
        return found

    def get(self, key: str, *, recheck: bool = False, allow_expired: bool = False) -> Document | None:
        """The document from memory or disk, or None.

        `recheck` checks the file whatever the interval. With `allow_expired` the document may have expired, within
        the grace.
        """
        entry = self._entries.get(key)
        now = time.monotonic()
        if entry is None or not self._still_holds(key, entry, now, recheck=recheck):
            entry = self._read(key)
        if entry is None:
            return None
        if not entry.is_fresh():
            if not allow_expired:
                return None
            self.on_expired()
        if not entry.ours:
            self.fresh = False
        return entry.value

    def get_all(self, *, recheck: bool = False, allow_expired: bool = False) -> DiscoveryResult | None:
        """Groups and resources from memory and disk, or None if one of them is missing."""
        if len(self._entries) <= _FEW:
            self._read_all()
        groups = self.groups(recheck=recheck, allow_expired=allow_expired)
        if groups is None:
            return None
        found = self.with_resources(groups, recheck=recheck, allow_expired=allow_expired)
        return None if found.missing else found

    def with_resources(
        self, groups: DiscoveryResult, *, recheck: bool = False, allow_expired: bool = False
    ) -> DiscoveryResult:
        """`groups` with the resource lists that are in memory or on disk."""
        resources: dict[GroupVersion, APIResourceList] = {}
        for group_version in groups.groups.group_versions:
            found = self.resources(str(group_version), recheck=recheck, allow_expired=allow_expired)
            if found is not None:
                resources[group_version] = found
        return groups._replace(resources=resources)

    def is_ours(self, key: str) -> bool:
        """Whether the document in memory was put there by `put`."""
        entry = self._entries.get(key)
        return entry is not None and entry.ours

    def was_asked_since(self, key: str, since: float) -> bool:
        """Whether the document in memory was asked for at `since`, on the monotonic clock, or later."""
        entry = self._entries.get(key)
        if entry is None or entry.asked.moment < since:
            return False
        return entry.ours or (entry.signature is not None and self._files.was_fetched_at(entry.signature))

    def get_expired(self, key: str, stale: float) -> tuple[Document, float] | None:
        """The document from disk although it expired, at most `stale` seconds ago; and its age in seconds."""
        read = self._files.read(key)
        age = max(0.0, time.time() - read[1].mtime) if read is not None else 0.0
        if read is None or age >= self.ttl + stale:
            return None
        self.fresh = False
        return read[0], age

    def in_memory(self) -> dict[str, Document]:
        """The documents in memory, by key, those of the index included."""
        if len(self._entries) <= _FEW:
            self._read_all()
        with self._mutex:
            return {key: entry.value for key, entry in self._entries.items()}

    def put(self, key: str, value: Document, data: bytes | None, asked: Asked, ttl: float | None = None) -> None:
        """Put a document into memory, for `ttl` seconds at most, and, where there is `data`, on disk."""
        if asked.moment < self._files.invalidated_at(key):
            # Asked for before an invalidation: good for who asked, not for anybody later.
            return
        signature = self._files.write(key, data, asked) if data is not None else None
        if signature is not None and asked.moment < self._files.invalidated_at(key):
            # Invalidated while it was written, for its being another cluster's perhaps: nobody is to find it.
            self._files.remove(key)
            return
        from .entry import Entry

        grace, ttl = (self._grace, self.ttl) if ttl is None else (0.0, min(ttl, self.ttl))
        entry = Entry(value, asked, ttl=ttl, grace=grace, signature=signature, ours=True)
        with self._mutex:
            if asked.moment >= self._files.invalidated_at(key):
                known = self._entries.get(key)
                if (known is not None and known.value != value) or self._index is not None:
                    self._index = None
                    self._revision += 1
                self._entries[key] = entry
                self._has_core = self._has_core or (key != GROUPS and "/" not in key)

    def remove_file(self, key: str) -> None:
        """Remove a document's file, which the server no longer confirms."""
        self._files.remove(key)

    def evict_except(self, keys: Set[str]) -> None:
        """Remove all documents but those of `keys`, in memory and on disk."""
        with self._mutex:
            for key in [key for key in self._entries if key not in keys]:
                del self._entries[key]
                self._revision += 1
        self._files.remove_except(keys)

    def invalidate(self, key: str | None) -> None:
        """Use nothing older than this moment: of everything (None), or of one document."""
        self._files.invalidate(key)
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
        self.invalidate(None)

    def knows_core_group(self) -> bool:
        """Whether the cluster is known to have, or to have had, a core group."""
        return self._has_core or self._files.has_core_group()

    def signatures(self) -> dict[str, Signature]:
        """The states of the files that the documents in memory were read from, or written to."""
        with self._mutex:
            return {key: entry.signature for key, entry in self._entries.items() if entry.signature is not None}

    def index_in_use(self) -> tuple[Index, IndexSearch] | None:
        """The index that is used, if it still holds; None if there is none."""
        if self._index is not None:
            self.revision()
        with self._mutex:
            return self._index if self._may_use_index() else None

    def use_index(self, made: tuple[Index, IndexSearch]) -> tuple[Index, IndexSearch] | None:
        """Use an index that was just read; the one that is used, or None if none may be used."""
        with self._mutex:
            # An invalidation, or a fetch, that came while it was read takes precedence.
            if not self._may_use_index():
                return None
            self._index = self._index or made
            self.fresh = False
            return self._index

    def revision(self) -> int:
        """A number that changes when a document used before no longer holds. Checks files once an interval."""
        now = time.monotonic()
        if now - self._revised_at >= self._recheck_interval:
            self._revised_at = now
            known, store = self._index, self.store
            holds = known is not None and known[0].holds() and known[0].is_within(self.ttl)
            if known is not None and (not holds or (store is not None and store.is_superseded())):
                with self._mutex:
                    if self._index is known:
                        self._index = None
                        self._revision += 1
            for key, entry in list(self._entries.items()):
                self._still_holds(key, entry, now)
        return self._revision

    @property
    def _files(self) -> DocumentFiles:
        return self._files_made.get(self._make_files)

    def _make_files(self) -> DocumentFiles:
        from .document_files import DocumentFiles

        return DocumentFiles(self.store)

    def _may_use_index(self) -> bool:
        """An index may be older than an invalidation, and lacks what is in memory alone."""
        made = self._files_made.made
        is_invalidated = made is not None and made.is_invalidated
        return not is_invalidated and not any(entry.ours for entry in list(self._entries.values()))

    def _read_all(self) -> None:
        """Put all documents into memory that the index has: one file is read in place of many."""
        if not self._may_use_index():
            return
        from .entry import Entry
        from .resource_index import read_documents

        read = read_documents(self.store, self.ttl + self._grace)
        entries = {key: Entry.of_file(*found, self.ttl, self._grace) for key, found in read.items()}
        with self._mutex:
            if self._may_use_index():
                self._entries = {**entries, **self._entries}

    def _still_holds(self, key: str, entry: Entry, now: float, *, recheck: bool = False) -> bool:
        """Whether an entry may be used; one that may not is dropped."""
        holds = entry.is_usable()
        if holds and entry.signature is not None and (recheck or now - entry.checked_at >= self._recheck_interval):
            assert self.store is not None
            holds = self.store.signature(key) == entry.signature
            if holds:
                entry.checked_at = now
            else:
                log.debug("%s was replaced or removed by another process", self.store.path(key))
        if not holds:
            with self._mutex:
                if self._entries.get(key) is entry:
                    del self._entries[key]
                    self._revision += 1
        return holds

    def _read(self, key: str) -> Entry | None:
        """The document from disk, put into memory; None if it is not there, or must not be used."""
        from .entry import Entry

        invalidated_at = self._files.invalidated_at(key)
        read = self._files.read(key)
        if read is None or self.store is None:
            return None
        entry = Entry.of_file(*read, self.ttl, self._grace)
        if not entry.is_usable():
            log.debug("cache miss: %s has expired", self.store.path(key))
            return None
        log.debug("cache hit: %s", self.store.path(key))
        with self._mutex:
            # An invalidation that came while the file was read takes precedence.
            if invalidated_at != self._files.invalidated_at(key):
                return None
            self._entries[key] = entry
        return entry


def _nothing() -> None:
    """The default of `DocumentCache.on_expired`."""
