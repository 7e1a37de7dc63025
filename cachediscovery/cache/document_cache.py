"""`DocumentCache`: one cluster's documents, in memory and on disk, and the rules for their use. No HTTP.

A document's key is `GROUPS`, or a group version such as `apps/v1`.
"""

from __future__ import annotations

import time

from .. import _log as log
from .._concurrency import Once
from ..disk.document_store import GROUPS
from .memory_layer import MemoryLayer, are_one

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

# A result is built again if another cluster took over meanwhile.
_TRIES = 3
# With at most this many documents in memory, read all of them from the index, which is one file.
_FEW = 2


class DocumentCache:
    """The memory layer and the disk layer behind one set of rules. Safe for use by several threads."""

    def __init__(self, store: DocumentStore | None, ttl: float, recheck_interval: float, grace: float = 0.0) -> None:
        """Make a cache over `store`, or in memory only if it is None. All times are in seconds.

        For `grace` seconds after they expired, documents are served to callers that pass `allow_expired`.
        """
        self.store = store
        self.ttl = ttl
        self._recheck_interval = recheck_interval
        self._grace = grace
        # Called whenever an expired document is served.
        self.on_expired: Callable[[], None] = lambda: None
        # Called after an invalidation.
        self.on_invalidated: Callable[[], None] = lambda: None
        self._memory = MemoryLayer()
        # None before the first document is read, written or invalidated: a warm start needs only the index.
        self._files_made: Once[DocumentFiles] = Once()
        self._revised_at = 0.0
        # The epoch (`ClusterRecord.epoch`) of the cluster that answers now.
        self.current_epoch: Callable[[], str] = self._epoch_on_disk
        # True while this client requested everything used since the last invalidation.
        self.fresh: bool = True

    def peek(self, key: str) -> APIResourceList | None:
        """The resources of a group version, if in memory, fresh, and checked within the interval; else None."""
        entry = self._memory.get(key)
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

        `recheck` checks the file even within the interval. `allow_expired` accepts a document that expired within the
        grace.
        """
        entry = self._memory.get(key)
        now = time.monotonic()
        if entry is None or not self._still_holds(key, entry, now, recheck=recheck):
            entry = self._read(key)
        if entry is None:
            return None
        if not entry.is_fresh():
            if not allow_expired:
                return None
            self.on_expired()
        if not entry.asked_here:
            self.fresh = False
        return entry.value

    @property
    def clusters(self) -> int:
        """How many times everything in memory was dropped because another cluster took over."""
        return self._memory.clusters

    def get_all(self, *, recheck: bool = False, allow_expired: bool = False) -> DiscoveryResult | None:
        """Groups and resources of one cluster from memory and disk, or None if one of them is missing."""
        for _ in range(_TRIES):
            clusters = self.clusters
            if len(self._memory) <= _FEW:
                self._read_all()
            groups = self.groups(recheck=recheck, allow_expired=allow_expired)
            if groups is not None:
                groups = self.with_resources(groups, recheck=recheck, allow_expired=allow_expired)
            if clusters == self.clusters:
                return None if groups is None or groups.missing else groups
        return None

    def with_resources(
        self, groups: DiscoveryResult, *, recheck: bool = False, allow_expired: bool = False
    ) -> DiscoveryResult:
        """Add to `groups` the resource lists that are in memory or on disk."""
        resources: dict[GroupVersion, APIResourceList] = {}
        for group_version in groups.groups.group_versions:
            found = self.resources(str(group_version), recheck=recheck, allow_expired=allow_expired)
            if found is not None:
                resources[group_version] = found
        return groups._replace(resources=resources)

    def is_ours(self, key: str) -> bool:
        """Whether the document in memory was requested by this client."""
        entry = self._memory.get(key)
        return entry is not None and entry.asked_here

    def was_asked_since(self, key: str, since: float) -> bool:
        """Whether the document in memory was requested at or after `since` (on the monotonic clock)."""
        entry = self._memory.get(key)
        if entry is None or entry.asked.moment < since:
            return False
        return entry.ours or (entry.signature is not None and self.files.was_fetched_at(entry.signature))

    def get_expired(self, key: str, stale: float) -> tuple[Document, float] | None:
        """The document from disk, even if it expired at most `stale` seconds ago; and its age in seconds."""
        read = self.files.read(key)
        age = max(0.0, time.time() - read[1].mtime) if read is not None else 0.0
        if read is None or age >= self.ttl + stale:
            return None
        self.fresh = False
        return read[0], age

    def in_memory(self) -> dict[str, Document]:
        """The documents in memory, including those of the index, by key."""
        if len(self._memory) <= _FEW:
            self._read_all()
        return {key: entry.value for key, entry in self._memory.items()}

    def put(self, key: str, value: Document, data: bytes | None, asked: Asked, ttl: float | None = None) -> None:
        """Put a document into memory, for at most `ttl` seconds, and its `data`, if any, on disk."""
        files = self.files
        if not files.may_put(key, asked) or not are_one(asked.epoch, self.current_epoch()):
            # Requested before an invalidation, or from another cluster: valid for this caller, not for later ones.
            return
        signature = files.write(key, data, asked) if data is not None else None
        if signature is not None and asked.moment < files.invalidated_at(key):
            # Invalidated during the write, perhaps because it is another cluster's: nobody may read it.
            files.remove(key)
            return
        from .entry import Entry

        grace, ttl = (self._grace, self.ttl) if ttl is None else (0.0, min(ttl, self.ttl))
        entry = Entry(value, asked, ttl=ttl, grace=grace, signature=signature, ours=True)
        self._memory.put(key, entry, lambda: asked.moment >= files.invalidated_at(key))

    def remove_file(self, key: str) -> None:
        """Remove the file of a document that the server no longer confirms."""
        self.files.remove(key)

    def evict_except(self, keys: Set[str]) -> None:
        """Evict all documents except `keys`, in memory and on disk."""
        self._memory.drop_except(keys)
        self.files.remove_except(keys)

    def invalidate(self, key: str | None, moment: float | None = None) -> None:
        """Invalidate everything (None), or one document: see `DocumentFiles.invalidate`."""
        self.files.invalidate(key, moment)
        if key is None:
            self._memory.drop_all()
            self.fresh = True
        else:
            self._memory.drop_key(key)
        self.on_invalidated()

    def forget(self) -> None:
        """Invalidate everything, and what was derived from it: another cluster answers now."""
        self._memory.forget_cluster()
        self.invalidate(None)

    def knows_core_group(self) -> bool:
        """Whether the cluster is known to have a core group, or to have had one."""
        return self._memory.has_core or self.files.has_core_group()

    def signatures(self) -> dict[str, Signature]:
        """The states of the files that the documents in memory were read from or written to, by key."""
        return {key: entry.signature for key, entry in self._memory.items() if entry.signature is not None}

    def index_in_use(self) -> tuple[Index, IndexSearch] | None:
        """The index in use, if it is still valid; else None."""
        if self._memory.index is not None:
            self.revision()
        return self._memory.index if self._may_use_index() else None

    def use_index(self, made: tuple[Index, IndexSearch]) -> tuple[Index, IndexSearch] | None:
        """Use an index that was just read, unless another is in use. The index in use; None if none may be used."""
        # An invalidation, or a fetch, during the read takes precedence.
        used = self._memory.use_index(made, self._may_use_index)
        self.fresh = self.fresh and used is None
        return used

    def revision(self) -> int:
        """A number that changes when a document used before is no longer valid. Checks files once an interval."""
        if self.checked_revision() is None:
            now = self._revised_at = time.monotonic()
            known, store = self._memory.index, self.store
            if known is not None:
                holds = known[0].holds() and known[0].is_within(self.ttl)
                if not holds or (store is not None and store.is_superseded()):
                    self._memory.drop_index(known)
            for key, entry in self._memory.items():
                self._still_holds(key, entry, now)
        return self._memory.revision

    def checked_revision(self) -> int | None:
        """The same, if the files were checked within the interval; else None."""
        is_checked = time.monotonic() - self._revised_at < self._recheck_interval
        return self._memory.revision if is_checked else None

    @property
    def files(self) -> DocumentFiles:
        """The files of the documents."""
        return self._files_made.get(self._make_files)

    def _make_files(self) -> DocumentFiles:
        from .document_files import DocumentFiles

        return DocumentFiles(self.store)

    def _epoch_on_disk(self) -> str:
        return self.store.record().epoch if self.store is not None else ""

    def _may_use_index(self) -> bool:
        """Whether an index may be used: it may be older than an invalidation, and lacks what is only in memory."""
        made = self._files_made.made
        return (made is None or not made.is_invalidated) and not self._memory.has_ours()

    def _read_all(self) -> None:
        """Put all documents of the index into memory: this reads one file instead of many."""
        if not self._may_use_index():
            return
        from ..index.documents import read_documents
        from .entry import Entry

        epoch = self._epoch_on_disk()
        read = read_documents(self.store, self.ttl + self._grace)
        entries = {key: Entry.of_file(*found, epoch, self.ttl, self._grace) for key, found in read.items()}
        if entries and epoch == self._epoch_on_disk():
            self._memory.add(entries, epoch, self._may_use_index)

    def _still_holds(self, key: str, entry: Entry, now: float, *, recheck: bool = False) -> bool:
        """Whether an entry may be used; drop it if not."""
        holds = entry.is_usable()
        if holds and (recheck or now - entry.checked_at >= self._recheck_interval):
            if entry.signature is None or self.store is None:
                holds = are_one(entry.asked.epoch, self.current_epoch())
            else:
                holds = self.store.signature(key) == entry.signature
            if holds:
                entry.checked_at = now
            else:
                log.debug("the document %r was replaced or removed by another process", key)
        if not holds:
            self._memory.drop(key, entry)
        return holds

    def _read(self, key: str) -> Entry | None:
        """Read the document from disk into memory; None if it is missing or must not be used."""
        files, store = self.files, self.store
        invalidated_at = files.invalidated_at(key)
        read = files.read(key)
        if read is None or store is None:
            return None
        from .entry import Entry

        self._memory.enter(read[2])
        entry = Entry.of_file(*read, self.ttl, self._grace)
        if not entry.is_usable():
            log.debug("cache miss: %s has expired", store.path(key))
            return None
        log.hit(1, store.path(key))
        # An invalidation, or a change of cluster, during the read takes precedence.
        is_put = self._memory.put(
            key, entry, lambda: invalidated_at == files.invalidated_at(key) and self._memory.is_of(entry.asked.epoch)
        )
        return entry if is_put else None
