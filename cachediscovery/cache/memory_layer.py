"""`MemoryLayer`: the parsed documents of one cluster in this process."""

from __future__ import annotations

from .._concurrency import Lock
from ..disk.document_store import GROUPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set

    from ..index.index_file import Index
    from ..index.search import IndexSearch
    from .entry import Entry


class MemoryLayer:
    """Entries by key, all of one epoch (`ClusterRecord.epoch`). Safe for use by several threads."""

    def __init__(self) -> None:
        # Never held while files are read or written.
        self._mutex = Lock()
        self._entries: dict[str, Entry] = {}
        # The index used in place of documents that were not read, and its table.
        self._index: tuple[Index, IndexSearch] | None = None
        self._epoch = ""
        # Whether a document of the core group was seen.
        self.has_core: bool = False
        # Changes when something used before is dropped or replaced.
        self.revision: int = 0
        # How many times everything was dropped because another cluster took over.
        self.clusters: int = 0

    @property
    def index(self) -> tuple[Index, IndexSearch] | None:
        """The index in use in place of documents, and its table; else None."""
        return self._index

    def get(self, key: str) -> Entry | None:
        """The entry of a document, or None."""
        return self._entries.get(key)

    def items(self) -> list[tuple[str, Entry]]:
        """All entries, by key."""
        with self._mutex:
            return list(self._entries.items())

    def __len__(self) -> int:
        return len(self._entries)

    def has_ours(self) -> bool:
        """Whether this client fetched an entry: an index on disk may lack it."""
        # Callers may or may not hold the mutex, so it is not acquired here.
        return any(entry.ours for entry in list(self._entries.values()))

    def enter(self, epoch: str) -> None:
        """Drop everything if its epoch differs from that of a document just read or fetched."""
        with self._mutex:
            self._enter(epoch)

    def put(self, key: str, entry: Entry, is_permitted: Callable[[], bool]) -> bool:
        """Add or replace an entry if `is_permitted()`; whether it was."""
        with self._mutex:
            if not is_permitted():
                return False
            self._enter(entry.asked.epoch)
            known = self._entries.get(key)
            if known is not None and entry.asked.is_shared and known.asked.moment > entry.asked.moment:
                return False
            if (known is not None and known.value != entry.value) or (entry.ours and self._index is not None):
                self._index = None
                self.revision += 1
            self._entries[key] = entry
            self.has_core = self.has_core or (entry.ours and key != GROUPS and "/" not in key)
            return True

    def add(self, entries: Mapping[str, Entry], epoch: str, is_permitted: Callable[[], bool]) -> None:
        """Add the entries of keys that have none, if `is_permitted()`."""
        with self._mutex:
            self._enter(epoch)
            if is_permitted():
                self._entries = {**entries, **self._entries}

    def drop(self, key: str, entry: Entry) -> None:
        """Drop `entry`, unless it was replaced."""
        with self._mutex:
            if self._entries.get(key) is entry:
                del self._entries[key]
                self.revision += 1

    def drop_except(self, keys: Set[str]) -> None:
        """Drop all entries except `keys`."""
        with self._mutex:
            for key in [key for key in self._entries if key not in keys]:
                del self._entries[key]
                self.revision += 1

    def drop_all(self) -> None:
        """Drop all entries, and the index."""
        with self._mutex:
            self._entries.clear()
            self._index = None
            self.revision += 1

    def drop_key(self, key: str) -> None:
        """Drop one entry, and the index."""
        with self._mutex:
            self._entries.pop(key, None)
            self._index = None
            self.revision += 1

    def forget_cluster(self) -> None:
        """Forget what is known of the previous cluster: another one took over."""
        self.has_core = False
        self.clusters += 1

    def use_index(
        self, made: tuple[Index, IndexSearch], is_permitted: Callable[[], bool]
    ) -> tuple[Index, IndexSearch] | None:
        """Use an index that was just read, unless another is in use. The index in use; None if not permitted."""
        with self._mutex:
            if not is_permitted():
                return None
            self._index = self._index or made
            return self._index

    def drop_index(self, known: tuple[Index, IndexSearch]) -> None:
        """Drop the index `known`, unless it was replaced."""
        with self._mutex:
            if self._index is known:
                self._index = None
                self.revision += 1

    def _enter(self, epoch: str) -> None:
        if not are_one(epoch, self._epoch):
            self._entries.clear()
            self._index = None
            self.revision += 1
            self.forget_cluster()
        self._epoch = epoch or self._epoch

    def is_of(self, epoch: str) -> bool:
        """Whether a document of this epoch may be of the same cluster as the entries."""
        return are_one(epoch, self._epoch)


def are_one(epoch: str, other: str) -> bool:
    """Whether documents of two epochs may be of one cluster; the epoch "" matches any."""
    return epoch == other or not epoch or not other


def key_of(group_version: str) -> str:
    """The key of a group version's document. Raises `InvalidGroupVersion`."""
    from ..model.names import parse_group_version

    return str(parse_group_version(group_version))
