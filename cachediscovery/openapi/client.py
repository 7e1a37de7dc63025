"""`OpenAPIV3Client`: asks the server for each OpenAPI v3 document. client-go's `openapi.Client`."""

from __future__ import annotations

from ..disk.response_file import OPENAPI
from ..model.fields import MalformedDocument
from ..transport.error_mapping import invalid_document
from ..transport.redirects import same_origin
from .documents import OpenAPIDocument, OpenAPIIndex, OpenAPIV3, parse_document
from .index import index_from
from .server_relative_url import found_at, hash_of, request_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..transport.base import DocumentResponse, DocumentTransport

# kubectl's, for the index.
_ACCEPT = "application/json, */*"


class OpenAPIV3Client(OpenAPIV3):
    """Sends every request to the server."""

    def __init__(self, transport: DocumentTransport) -> None:
        self._transport = transport

    def index(self, etag: str = "") -> OpenAPIIndex | None:
        """The index; None if it is still the one with `etag`. Raises `NotFound` if the server has no OpenAPI v3."""
        response = self._transport.get(OPENAPI, accept=_ACCEPT, etag=etag)
        if response.stored:
            return None
        try:
            return index_from(response.body, self._transport.server, response.etag)
        except MalformedDocument as error:
            raise invalid_document(*response[:3], error, "an OpenAPI index") from error

    def document(self, server_relative_url: str) -> OpenAPIDocument:
        """The document at a URL of the index. A server redirects from an old hash to the new one."""
        server = self._transport.server
        asked = request_url(server, server_relative_url)
        response = self._transport.get(asked.removeprefix(server) if asked.startswith(f"{server}/") else asked)
        found = _found_at(server, asked, server_relative_url, response)
        try:
            parse_document(response.body)
        except MalformedDocument as error:
            raise invalid_document(*response[:3], error, "an OpenAPI document") from error
        return OpenAPIDocument(found, response.body)


def _found_at(server: str, asked: str, relative: str, response: DocumentResponse) -> str:
    """Where the document was found: at the URL asked for, or at one of the same path with another hash."""
    if response.url == asked:
        # Another client's connection may have followed the redirect itself. The API server's ETag is the hash.
        etag, known = response.etag.strip('"'), hash_of(relative)
        is_other = response.etag == f'"{etag}"' and etag.isalnum() and etag != known and len(etag) == len(known)
        return relative.replace(known, etag) if is_other and known else relative
    if not same_origin(asked, response.url):
        return ""
    found = found_at(server, response.url)
    return found if hash_of(found) and found.partition("?")[0] == relative.partition("?")[0] else relative
