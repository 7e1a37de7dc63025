"""The index of the OpenAPI v3 documents: parsed, checked, and written as the API server writes it."""

from __future__ import annotations

from .. import _log as log
from ..model.documents import go_json, parse_object
from ..model.fields import get_object, get_str
from .documents import OpenAPIIndex
from .server_relative_url import server_relative_url


def index_from(body: bytes, server: str, etag: str = "") -> OpenAPIIndex:
    """The index of `server` in the body of a response. Raises `MalformedDocument`.

    An entry that leads to another host is left out.
    """
    entries = get_object(parse_object(body), "paths")
    urls = {}
    for path in entries:
        url = get_str(get_object(entries, path), "serverRelativeURL")
        urls[path] = server_relative_url(server, url)
        if not urls[path]:
            log.warning(
                "the OpenAPI index of %s leads to another host for %r, which is left out: %r", server, path, url
            )
    return OpenAPIIndex({path: url for path, url in urls.items() if url}, etag)


def encode_index(index: OpenAPIIndex) -> bytes:
    """The bytes of an index, as the API server would send them."""
    paths = {path: {"serverRelativeURL": index.urls[path]} for path in sorted(index.urls)}
    return (go_json({"paths": paths}) + "\n").encode()
