"""The index of the OpenAPI v3 documents: parsed and checked."""

from __future__ import annotations

from ..model.documents import parse_object
from ..model.errors import InvalidDocument
from ..model.fields import MalformedDocument, get_object, get_str
from .documents import OpenAPIIndex


def index_from(body: bytes, url: str, etag: str = "") -> OpenAPIIndex:
    """The index in the answer of `url`. Raises `InvalidDocument`."""
    try:
        entries = get_object(parse_object(body), "paths")
        urls = {path: get_str(get_object(entries, path), "serverRelativeURL") for path in entries}
    except MalformedDocument as error:
        raise InvalidDocument(url, f"{url} answered with a malformed OpenAPI index: {error}") from error
    # Any other URL could send the credentials to another host.
    urls = {path: found for path, found in urls.items() if found.startswith("/") and not found.startswith("//")}
    return OpenAPIIndex(urls, etag)
