"""`HTTPStore`: complete discovery responses with their `ETag`s, stored in kubectl's folder and file format.

A stored response is always revalidated before use.
"""

from __future__ import annotations

import os

from .. import _log as log
from ..disk.files import make_folder, read_file, remove_leftovers, replace_file
from ..disk.response_file import (
    FOLDER,
    encode_response,
    http_date,
    is_header,
    is_response_name,
    parse_response,
    response_path,
)
from ..disk.trust import distrust_of_path
from ..model.aggregated import GROUP, KIND, is_aggregated
from ..model.records import NamedTuple

_MAX_BYTES = 64 << 20
# The Accept header of kubectl. kubectl reuses a response only if this is stored with it.
_KUBECTL_ACCEPT = f"application/json;g={GROUP};v=v2;as={KIND},application/json"
# Only the aggregated documents. Other requests on the connection belong to the program.
_PATHS = ("/api", "/apis")


class StoredResponse(NamedTuple):
    """A stored response, to be revalidated with its `etag`."""

    etag: str
    content_type: str
    body: bytes


class HTTPStore:
    """The stored responses of one cache root. A read error is a miss; a write error is only logged."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folder = os.path.join(root, FOLDER)

    def load(self, url: str) -> StoredResponse | None:
        """Return the response to `url` (without a query) stored by us or by kubectl, or None."""
        if not os.path.isdir(self._folder) or not self._is_ours(url):
            return None
        stored = read_file(self._path(url), _MAX_BYTES)
        parsed = parse_response(stored.data) if stored is not None else None
        if parsed is None or not is_header(parsed[0].get("etag", "")):
            return None
        headers, body = parsed
        return StoredResponse(headers["etag"], headers.get("content-type", ""), body)

    def save(self, url: str, response: StoredResponse) -> None:
        """Store a response in a form that kubectl can use too."""
        # A login page may have an ETag too, so check the content type.
        if not self._is_ours(url) or not is_header(response.etag) or not is_aggregated(response.content_type):
            return
        lines = [
            "Cache-Control: public",
            f"Content-Type: {response.content_type}",
            f"Date: {http_date()}",
            f"Etag: {response.etag}",
            "Vary: Accept",
            f"X-Varied-Accept: {_KUBECTL_ACCEPT}",
        ]
        try:
            data = encode_response(lines, response.body)
            make_folder(self._folder, self._root)
            remove_leftovers(self._folder, is_response_name)
            replace_file(self._path(url), data)
        except (OSError, ValueError) as error:
            log.debug("cannot store the response of %s: %s", url, error)

    def _is_ours(self, url: str) -> bool:
        return url.endswith(_PATHS) and not distrust_of_path(self._root, self._folder)

    def _path(self, url: str) -> str:
        return response_path(self._root, url)
