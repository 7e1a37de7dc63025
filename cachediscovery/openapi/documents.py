"""`OpenAPIV3`: the OpenAPI v3 documents of a server, one for each group version (KEP-2896; client-go's `openapi`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from ..model.documents import parse_object
from ..model.errors import InvalidDocument, NotFound
from ..model.fields import MalformedDocument, get_str
from ..model.records import NamedTuple
from .server_relative_url import hash_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class OpenAPIIndex(NamedTuple):
    """The answer to `/openapi/v3`: server-relative URLs by path. `etag` is the answer's, "" without one."""

    urls: dict[str, str]
    etag: str = ""


class OpenAPIDocument(NamedTuple):
    """A document as received.

    `server_relative_url` is where it was found: after a redirect it has another hash. It is "" if a redirect has led to
    another host; nothing tells then which document this is.
    """

    server_relative_url: str
    body: bytes


class OpenAPIV3GroupVersion(NamedTuple):
    """One document, fetched when it is used. `server_relative_url` changes with the document."""

    path: str
    server_relative_url: str
    fetch: Callable[[str], OpenAPIDocument]

    @property
    def hash(self) -> str:
        """The hash of the document, from its URL; "" if there is none."""
        return hash_of(self.server_relative_url)

    def body(self) -> bytes:
        """The document as received. Raises `DiscoveryError`."""
        return self.fetch(self.server_relative_url).body

    def schema(self) -> dict[str, Any]:
        """The document. Raises `DiscoveryError`."""
        try:
            return parse_document(self.body())
        except MalformedDocument as error:
            url = self.server_relative_url
            raise InvalidDocument(url, f"{url} is not an OpenAPI document: {error}") from error


class OpenAPIV3(ABC):
    """The OpenAPI v3 documents of a server. All methods raise `DiscoveryError`."""

    @abstractmethod
    def index(self, etag: str = "") -> OpenAPIIndex | None:
        """The index; None if it is still the one with `etag`. Raises `NotFound` if the server has no OpenAPI v3."""

    @abstractmethod
    def document(self, server_relative_url: str) -> OpenAPIDocument:
        """The document at a URL of the index."""

    def paths(self) -> dict[str, OpenAPIV3GroupVersion]:
        """The documents by path (`apis/apps/v1`, `api/v1`, `version` …), none of them fetched yet.

        Empty if the server has no OpenAPI v3.
        """
        try:
            index = self.index()
        except NotFound:
            return {}
        urls = index.urls if index is not None else {}
        return {path: OpenAPIV3GroupVersion(path, url, self.document) for path, url in urls.items()}

    @property
    def fresh(self) -> bool:
        """Whether the index used last was asked for by this object. If not, what it lacks may be on the server."""
        return True

    def invalidate(self) -> None:  # noqa: B027 - a client without a cache has nothing to do
        """Use no index asked for before now. Makes no request. Documents are kept: their hashes never change."""


def parse_document(body: bytes) -> dict[str, Any]:
    """The JSON object of a document. Raises `MalformedDocument` if it is no OpenAPI v3."""
    document = parse_object(body)
    version = get_str(document, "openapi")
    if not version.startswith("3."):
        raise MalformedDocument(f"its openapi version is {version!r}, expected 3.x")
    return document
