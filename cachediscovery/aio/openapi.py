"""`AsyncOpenAPIV3`: OpenAPI v3 documents for asyncio programs."""

from __future__ import annotations

from .event_loop import run_in_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..openapi.documents import OpenAPIDocument, OpenAPIIndex, OpenAPIV3, OpenAPIV3GroupVersion


class AsyncOpenAPIV3GroupVersion:
    """One document, fetched when it is used. `server_relative_url` changes with the document."""

    def __init__(self, document: OpenAPIV3GroupVersion) -> None:
        self._document = document

    @property
    def path(self) -> str:
        """The document's path in the index."""
        return self._document.path

    @property
    def server_relative_url(self) -> str:
        """The document's URL, from the server's root."""
        return self._document.server_relative_url

    @property
    def hash(self) -> str:
        """The hash of the document, from its URL; "" if there is none."""
        return self._document.hash

    async def fetch(self, server_relative_url: str) -> OpenAPIDocument:
        """The document at a URL of the index."""
        return await run_in_thread(self._document.fetch, server_relative_url)

    async def body(self) -> bytes:
        """The document as received. Raises `DiscoveryError`."""
        return await run_in_thread(self._document.body)

    async def schema(self) -> dict[str, Any]:
        """The document. Raises `DiscoveryError`."""
        return await run_in_thread(self._document.schema)


class AsyncOpenAPIV3:
    """The OpenAPI v3 documents of a server. All methods raise `DiscoveryError`.

    An `OpenAPIRoot` of `client.client.openapi_v3()` is used with `await client.run(root.schema_for, …)`.
    """

    def __init__(self, documents: OpenAPIV3) -> None:
        self._documents = documents

    @property
    def fresh(self) -> bool:
        """Whether the index used last was asked for by this object. If not, what it lacks may be on the server."""
        return self._documents.fresh

    def invalidate(self) -> None:
        """Use no index asked for before now. Makes no request. Documents are kept: their hashes never change."""
        self._documents.invalidate()

    async def index(self, etag: str = "") -> OpenAPIIndex | None:
        """The index; None if it is still the one with `etag`. Raises `NotFound` if the server has no OpenAPI v3."""
        return await run_in_thread(self._documents.index, etag)

    async def document(self, server_relative_url: str) -> OpenAPIDocument:
        """The document at a URL of the index."""
        return await run_in_thread(self._documents.document, server_relative_url)

    async def paths(self) -> dict[str, AsyncOpenAPIV3GroupVersion]:
        """The documents by path (`apis/apps/v1`, `api/v1`, `version` …), none of them fetched yet.

        Empty if the server has no OpenAPI v3.
        """
        found = await run_in_thread(self._documents.paths)
        return {path: AsyncOpenAPIV3GroupVersion(document) for path, document in found.items()}
