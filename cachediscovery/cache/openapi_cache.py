"""`OpenAPICache`: the OpenAPI documents of one cluster, in memory and in kubectl's folder `http/`.

A document's key is its URL.
"""

from __future__ import annotations

from ..disk.response_file import encode_response, http_date, in_a_year, is_header, parse_response
from ..model.fields import MalformedDocument
from ..openapi.documents import OpenAPIDocument, OpenAPIIndex
from ..openapi.index import encode_index, index_from
from ..openapi.server_relative_url import hash_of, request_url
from .document_cache import DocumentCache
from .document_files import DocumentFiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..disk.document_store import DocumentStore
    from .entry import Asked, Document

# The Accept header of kubectl for the index, and for a document. kubectl uses a response only if it is stored with it.
_INDEX_ACCEPT = "application/json, */*"
_DOCUMENT_ACCEPT = "application/json"


class OpenAPICache(DocumentCache):
    """The index of one server and documents, or documents alone. Safe for use by several threads."""

    def __init__(self, store: DocumentStore | None, server: str, ttl: float, recheck: float, grace: float = 0) -> None:
        """Use the documents of `server` for `ttl` seconds: see `DocumentCache`."""
        super().__init__(store, ttl, recheck, grace)
        self._server = server
        self.index_key: str = request_url(server, "/openapi/v3")

    def index(self, *, recheck: bool = False, allow_expired: bool = False) -> OpenAPIIndex | None:
        """The index from memory or disk, or None: see `get`."""
        found: OpenAPIIndex | None = self.get(self.index_key, recheck=recheck, allow_expired=allow_expired)  # type: ignore[assignment]
        return found

    def document(self, relative: str, *, recheck: bool = False) -> OpenAPIDocument | None:
        """The document at a URL of the index from memory or disk, or None: see `get`."""
        found: OpenAPIDocument | None = self.get(request_url(self._server, relative), recheck=recheck)  # type: ignore[assignment]
        return found

    def known_index(self) -> OpenAPIIndex | None:
        """The index on disk, of any age and from before any invalidation: it may only be revalidated."""
        stored = self.store.read(self.index_key) if self.store is not None else None
        try:
            return self._index_from(stored.data) if stored is not None else None
        except MalformedDocument:
            return None

    def put_index(self, index: OpenAPIIndex, asked: Asked, ttl: float | None = None) -> None:
        """Put the index into memory and on disk; with `ttl` into memory alone, for at most that many seconds."""
        lines = ["Cache-Control: no-cache, private", "Content-Type: application/json", f"Date: {http_date(asked.at)}"]
        if is_header(index.etag):
            lines += [f"Etag: {index.etag}", "Vary: Accept", f"X-Varied-Accept: {_INDEX_ACCEPT}"]
        data = encode_response(lines, encode_index(index)) if ttl is None else None
        self.put(self.index_key, index, data, asked, ttl)

    def replace_index(self, index: OpenAPIIndex) -> None:
        """Replace the index by one that is as old."""
        entry = self._memory.get(self.index_key)
        if entry is not None:
            self.put_index(index, entry.asked)

    def put_document(self, document: OpenAPIDocument, asked: Asked) -> None:
        """Put a document into memory and on disk."""
        found = hash_of(document.server_relative_url)
        lines = ["Cache-Control: public, immutable" if found else "Cache-Control: no-cache, private"]
        lines += ["Content-Type: application/json", f"Date: {http_date(asked.at)}"]
        if found:
            # The API server's ETag is the hash.
            lines += [f'Etag: "{found}"', f"Expires: {in_a_year()}", "Vary: Accept"]
            lines += [f"X-Varied-Accept: {_DOCUMENT_ACCEPT}"]
        key = request_url(self._server, document.server_relative_url)
        self.put(key, document, encode_response(lines, document.body), asked)

    def evict(self, relative: str) -> None:
        """Evict one document, in memory and on disk."""
        key = request_url(self._server, relative)
        self._memory.drop_key(key)
        self.files.remove(key)

    def _make_files(self) -> DocumentFiles:
        return DocumentFiles(self.store, self._from_file)

    def _from_file(self, key: str, data: bytes) -> Document:
        if key == self.index_key:
            return self._index_from(data)
        headers, body = _parsed(data)
        # kubectl also asks for protocol buffers, under the same URL.
        is_json = "protobuf" not in headers.get("content-type", "") and body.lstrip().startswith(b"{")
        if not is_json or b'"openapi"' not in body:
            raise MalformedDocument("not an OpenAPI document")
        origin = request_url(self._server, "")
        return OpenAPIDocument(key.removeprefix(origin), body)

    def _index_from(self, data: bytes) -> OpenAPIIndex:
        headers, body = _parsed(data)
        return index_from(body, self._server, headers.get("etag", ""))


def _parsed(data: bytes) -> tuple[dict[str, str], bytes]:
    parsed = parse_response(data)
    if parsed is None:
        raise MalformedDocument("not a whole response")
    return parsed
