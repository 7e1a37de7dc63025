"""`CachedResourceIndex`: reads the index file in place of unread documents, and writes it."""

from __future__ import annotations

from .. import _log as log
from ..discovery.interfaces import ResourceIndex
from ..index.search import COLUMNS, IndexSearch, read_index_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .document_cache import DocumentCache


class CachedResourceIndex(ResourceIndex):
    """The index of the documents of one `DocumentCache`. Safe for use by several threads."""

    def __init__(self, cache: DocumentCache) -> None:
        self._cache = cache

    def search(self) -> IndexSearch | None:
        """The table of all resources, from the index; None if there is no valid index."""
        # All callers share one index, so that all see when it is no longer valid.
        known = self._cache.index_in_use()
        if known is not None:
            return known[1]
        index = read_index_of(self._cache.store, COLUMNS, self._cache.ttl)
        if index is None:
            return None
        try:
            made = index, IndexSearch.of_index(index)
        except ValueError as error:
            log.debug("cache miss: the index of %s: %s", index.folder, error)
            return None
        used = self._cache.use_index(made)
        return used[1] if used is not None else None

    def revision(self) -> int:
        """A number that changes when a document used before is no longer valid."""
        return self._cache.revision()

    def checked_revision(self) -> int | None:
        """The revision, if the files were checked within the interval; else None. Does no I/O."""
        return self._cache.checked_revision()

    def write(self) -> bool:
        """Write the index unless a valid one exists or a document is not on disk; whether it was written."""
        from ..index.index_writer import has_index, write_index

        store = self._cache.store
        if store is None or has_index(store):
            return False
        found, signatures = self._cache.get_all(), self._cache.signatures()
        if found is None or not found.is_complete:
            return False
        again = self._cache.get_all()
        if again is None or again.groups is not found.groups:
            return False
        if any(again.resources[key] is not found.resources[key] for key in found.resources):
            # Replaced meanwhile: the signatures may be of other documents.
            return False
        from ..restmapper.rows import in_listing_order, rows_of

        return write_index(store, signatures, found, in_listing_order(rows_of(found)))
