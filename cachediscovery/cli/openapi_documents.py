"""`OpenAPIDocuments`: the OpenAPI documents of a session's cluster, from the cache as long as that is enough."""

from __future__ import annotations

from .. import _log as log
from ..disk.layout import place_of
from ..model.fields import get_object, get_str
from ..model.json_scanner import scan
from ..openapi.explain.stored_document import document_of, read_stored, write_tables
from ..openapi.server_relative_url import server_relative_url
from ..openapi.stored import stored_bytes, stored_document, stored_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..openapi.documents import OpenAPIV3
    from ..openapi.explain.document import Document
    from ..openapi.explain.tables import Tables
    from .session import Session


class OpenAPIDocuments:
    """Finds the document of a group version. `finish` writes the tables that speed up the next run."""

    def __init__(self, session: Session, *, expired: bool = False) -> None:
        """With `expired` the index of the documents may be of any age."""
        self._session = session
        self._ttl = float("inf") if expired else session.ttl
        cluster = session.cluster
        # Responses are stored by URL: those of two clusters that share one cannot be told apart.
        place = None if cluster.shares_url else place_of(cluster, session.cache_dir)
        self._root, self._server = "" if place is None else place[0], cluster.url
        self._asked: OpenAPIV3 | None = None
        # What `finish` is to write: the URL that a document was found at, the document, its tables.
        self._unwritten: list[tuple[str, bytes, Tables]] = []
        self._opened: list[Document] = []

    def cached(self, group: str, version: str) -> Document | None:
        """The cached document of a group version, or None. Makes no request."""
        data = stored_index(self._root, self._server, self._ttl) if self._root else None
        if data is None:
            return None
        try:
            index, _ = scan(data.decode("utf-8", "replace"))
            entry = get_object(get_object(index, "paths"), _path(group, version))
            url = server_relative_url(self._server, get_str(entry, "serverRelativeURL"))
            return self._stored(url, group, version) if url else None
        except (ValueError, AttributeError, RecursionError) as error:
            log.debug("cache miss: the OpenAPI documents of %s: %s", self._server, error)
            return None

    def document(self, group: str, version: str) -> Document | None:
        """The document of a group version; None if the server has none. Raises `DiscoveryError`."""
        found = self.cached(group, version) if self._asked is None and not self._session.asks else None
        if found is not None:
            return found
        from ..model.errors import InvalidDocument, NotFound

        if self._asked is None:
            self._session.connect()
            self._asked = self._session.client.openapi_v3()
        try:
            return self._served(self._asked, group, version)
        except (NotFound, InvalidDocument) as error:
            # A cached index may name a document that is gone.
            if not self.renew():
                raise
            log.debug("the index of the OpenAPI documents is asked for again: %s", error)
            return self._served(self._asked, group, version)

    def renew(self) -> bool:
        """Forget an index that was not requested by this process; whether there was one."""
        if self._asked is None:
            self._session.connect()
            self._asked = self._session.client.openapi_v3()
        elif self._asked.fresh:
            return False
        self._asked.invalidate()
        return True

    def close(self) -> None:
        """Close the files of the documents that were found."""
        while self._opened:
            self._opened.pop().close()

    def finish(self) -> None:
        """Close the documents, and write tables. Call after all output."""
        self.close()
        for url, body, tables in self._unwritten:
            stored = stored_document(self._root, self._server, url)
            if stored is not None:
                write_tables(stored, body, tables)

    def _stored(self, url: str, group: str, version: str) -> Document | None:
        stored = stored_document(self._root, self._server, url)
        if stored is None:
            return None
        found = read_stored(self._root, stored.path, group, version)
        if found is not None:
            self._opened.append(found)
            return found
        body = stored_bytes(self._root, self._server, url)
        return self._made(url, body, group, version) if body is not None else None

    def _served(self, asked: OpenAPIV3, group: str, version: str) -> Document | None:
        index = asked.index()
        url = index.urls.get(_path(group, version), "") if index is not None else ""
        if not url:
            return None
        stored = self._stored(url, group, version) if self._root else None
        if stored is not None:
            return stored
        fetched = asked.document(url)
        return self._made(fetched.server_relative_url, fetched.body, group, version)

    def _made(self, url: str, body: bytes, group: str, version: str) -> Document:
        found, tables = document_of(body, group, version)
        if tables is not None and url and self._root:
            self._unwritten.append((url, body, tables))
        return found


def _path(group: str, version: str) -> str:
    """The path of a group version's document in the index."""
    return f"apis/{group}/{version}" if group else f"api/{version}"
