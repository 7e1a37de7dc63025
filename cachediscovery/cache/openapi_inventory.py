"""The OpenAPI documents stored below a cache root: those that a cluster's index names, and those that none does."""

from __future__ import annotations

import os

from ..disk.document_store import DocumentStore
from ..disk.response_file import OPENAPI, parse_response, response_path
from ..model.fields import MalformedDocument
from ..openapi.documents import OpenAPIIndex
from ..openapi.index import index_from
from ..openapi.server_relative_url import request_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# The parts of a path of the index: `apis`, group and version.
_MAX_PARTS = 3


def stored_index_of(store: DocumentStore) -> OpenAPIIndex | None:
    """The index of the store's server, of any age; None if it is missing or broken."""
    stored = store.read(request_url(store.server, OPENAPI)) if store.server else None
    parsed = parse_response(stored.data) if stored is not None else None
    try:
        return index_from(parsed[1], store.server) if parsed is not None else None
    except MalformedDocument:
        return None


def keys_of(store: DocumentStore, index: OpenAPIIndex | None) -> Iterator[tuple[str, str]]:
    """A name for people and the key of the index, and of each document that it names, if they have a file."""
    named = {} if index is None else {f"{OPENAPI}/{path}": url for path, url in sorted(index.urls.items())}
    for name, relative in {OPENAPI: OPENAPI, **named}.items():
        key = request_url(store.server, relative)
        if os.path.lexists(store.path(key)):
            yield name.lstrip("/"), key


def is_unnamed(path: str, data: bytes, servers: Iterable[str]) -> bool:
    """Whether a stored response is a document of one of the `servers`, whose index does not name it."""
    parsed = parse_response(data)
    # The API server's ETag is the hash.
    known = parsed[0].get("etag", "").strip('"') if parsed is not None else ""
    if parsed is None or not known:
        return False
    _, _, paths = parsed[1].partition(b'"paths":{"/')
    parts = paths.partition(b'"')[0].decode("utf-8", "replace").strip("/").split("/")[:_MAX_PARTS]
    names = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    urls = [request_url(server, f"{OPENAPI}/{name}?hash={known}") for server in servers for name in names]
    file = os.path.basename(path)
    return any(
        file == os.path.basename(response_path("", url, timeout=timeout)) for url in urls for timeout in (True, False)
    )
