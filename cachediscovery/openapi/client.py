"""`OpenAPIV3Client`: asks the server for each OpenAPI v3 document. client-go's `openapi.Client`."""

from __future__ import annotations

from .documents import OpenAPIDocument, OpenAPIIndex, OpenAPIV3
from .index import index_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..transport.base import DocumentTransport


class OpenAPIV3Client(OpenAPIV3):
    """Sends every request to the server."""

    def __init__(self, transport: DocumentTransport) -> None:
        self._transport = transport

    def index(self, etag: str = "") -> OpenAPIIndex | None:  # noqa: ARG002
        """The index; None if it is still the one with `etag`. Raises `NotFound` if the server has no OpenAPI v3."""
        response = self._transport.get("/openapi/v3")
        return index_from(response.body, response.url)

    def document(self, server_relative_url: str) -> OpenAPIDocument:
        """The document at a URL of the index."""
        return OpenAPIDocument(server_relative_url, self._transport.get(server_relative_url).body)
