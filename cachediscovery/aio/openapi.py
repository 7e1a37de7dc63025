"""`AsyncOpenAPIV3`: OpenAPI v3 documents for asyncio programs."""

from __future__ import annotations

from .event_loop import run_in_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..discovery.openapi import OpenAPIV3, OpenAPIV3GroupVersion


class AsyncOpenAPIV3GroupVersion:
    """One document, fetched by `schema`. `server_relative_url` changes with the document."""

    def __init__(self, document: OpenAPIV3GroupVersion) -> None:
        self.path: str = document.path
        self.server_relative_url: str = document.server_relative_url
        self._document = document

    async def schema(self) -> dict[str, Any]:
        """The document. Raises `DiscoveryError`."""
        return await run_in_thread(self._document.schema)


class AsyncOpenAPIV3:
    """The OpenAPI v3 documents of a server."""

    def __init__(self, documents: Callable[[], OpenAPIV3]) -> None:
        self._documents = documents

    async def paths(self) -> dict[str, AsyncOpenAPIV3GroupVersion]:
        """The documents by path (`apis/apps/v1`, `api/v1`, `version` …). Raises `DiscoveryError`.

        Empty if the server has no OpenAPI v3.
        """
        found = await run_in_thread(lambda: self._documents().paths())
        return {path: AsyncOpenAPIV3GroupVersion(document) for path, document in found.items()}
