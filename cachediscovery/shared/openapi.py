"""`SharedOpenAPIV3`: the OpenAPI documents of a server, shared with other machines by their hashes."""

from __future__ import annotations

from ..disk.response_file import OPENAPI
from ..openapi.documents import OpenAPIDocument, OpenAPIIndex, OpenAPIV3
from ..openapi.server_relative_url import hash_of, server_relative_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, TypeVar

    T = TypeVar("T", OpenAPIIndex | None, OpenAPIDocument)

    class Answer(Protocol):
        """Returns the shared record of a name, or else what the function fetches."""

        def __call__(self, name: str, fetch: Callable[[], T]) -> T:
            """Raises `DiscoveryError`."""


class SharedOpenAPIV3(OpenAPIV3):
    """Wraps the documents of a client that is connected to a server."""

    def __init__(self, delegate: Callable[[], OpenAPIV3], answer: Answer) -> None:
        self._delegate = delegate
        self._answer = answer

    def index(self, etag: str = "") -> OpenAPIIndex | None:
        """The index; None if it is still the one with `etag`. Raises `NotFound` if the server has no OpenAPI v3."""
        found = self._answer(OPENAPI, lambda: self._delegate().index(etag))
        return None if found is not None and etag and found.etag == etag else found

    def document(self, server_relative_url: str) -> OpenAPIDocument:
        """The document at a URL of the index. One without a hash is not shared: nothing tells when it changes."""
        if not is_shared(server_relative_url):
            return self._delegate().document(server_relative_url)
        return self._answer(server_relative_url, lambda: self._delegate().document(server_relative_url))


def is_shared(url: str) -> bool:
    """Whether the document at a URL is shared: it has a hash, and its form is that of the index's URLs."""
    return bool(hash_of(url)) and server_relative_url("", url) == url
