"""`OpenAPIDocuments`: the OpenAPI documents of a session's cluster, from the cache as long as that is enough."""

from __future__ import annotations

from ..model.fields import MalformedDocument
from ..openapi.explain.stored_document import document_of, read_stored, write_tables
from ..openapi.stored import stored_bytes, stored_document, stored_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..openapi.explain.document import Document
    from ..openapi.explain.tables import Tables
    from .session import Session


class OpenAPIDocuments:
    """Finds the document of a group version. Writes tables, which speed up the next run, in `finish`."""

    def __init__(self, session: Session, *, expired: bool = False) -> None:
        """With `expired` the index may be of any age."""
        self._session = session
        self._ttl = float("inf") if expired else session.ttl
        place = session.place
        self._root = "" if place is None else place[0]
        self._urls: dict[str, str] | None = None
        self._is_fresh = False
        # What `finish` is to write: the URL that a document was found at, and the document with its tables.
        self._unwritten: list[tuple[str, bytes, Tables]] = []

    def cached(self, group: str, version: str) -> Document | None:
        """The cached document of a group version; None if it is not cached. Makes no request."""
        url = self._stored_urls().get(_path(group, version))
        return self._stored(url, group, version) if url is not None else None

    def document(self, group: str, version: str) -> Document | None:
        """The document of a group version; None if the server has none. Raises `DiscoveryError`."""
        if self._urls is None and not self._session.asks:
            found = self.cached(group, version)
            if found is not None:
                return found
        urls = self._urls if self._urls is not None and self._is_fresh else self._asked_urls()
        url = urls.get(_path(group, version))
        return None if url is None else self._stored(url, group, version) or self._fetched(url, group, version)

    def renew(self) -> bool:
        """Ask the server for the index, unless it was asked before; whether it was asked now."""
        return False

    def finish(self) -> None:
        """Call after all output."""
        for url, body, tables in self._unwritten:
            stored = stored_document(self._root, self._session.server, url)
            if stored is not None:
                write_tables(stored, body, tables)
