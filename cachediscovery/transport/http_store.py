"""`HTTPStore`: complete responses with their `ETag`s, stored in kubectl's folder and file format.

A file is named by the SHA-256 of the URL. It holds the SHA-256 (32 bytes) of the rest, which is the response as
received (client-go's `sumDiskCache` and its `httpcache`). A stored response is always revalidated before use.
"""

from __future__ import annotations

import os
import time
from hashlib import sha256

from .. import _log as log
from ..disk.files import make_folder, read_file, remove_leftovers, replace_file
from ..disk.trust import distrust_of_path
from ..model.aggregated import GROUP, KIND, is_aggregated
from ..model.records import NamedTuple

FOLDER = "http"
_MAX_BYTES = 64 << 20
_DIGEST = 32
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# client-go adds its time-out to the URL, and so to the file name.
_TIMEOUT = "?timeout=32s"
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
        if stored is None or not _is_whole(stored.data):
            return None
        head, _, body = stored.data[_DIGEST:].partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if status.split(" ")[1:2] != ["200"] or not _is_header(headers.get("etag", "")):
            return None
        if {"transfer-encoding", "content-encoding"} & headers.keys():
            return None
        return StoredResponse(headers["etag"], headers.get("content-type", ""), body)

    def save(self, url: str, response: StoredResponse) -> None:
        """Store a response in a form that kubectl can use too."""
        # A login page may have an ETag too, so check the content type.
        if not self._is_ours(url) or not _is_header(response.etag) or not is_aggregated(response.content_type):
            return
        lines = [
            "HTTP/1.1 200 OK",
            "Cache-Control: public",
            f"Content-Length: {len(response.body)}",
            f"Content-Type: {response.content_type}",
            f"Date: {_http_date()}",
            f"Etag: {response.etag}",
            "Vary: Accept",
            f"X-Varied-Accept: {_KUBECTL_ACCEPT}",
        ]
        try:
            data = "\r\n".join([*lines, "", ""]).encode("latin-1") + response.body
            make_folder(self._folder, self._root)
            remove_leftovers(self._folder, is_response_name)
            replace_file(self._path(url), _sha256(data) + data)
        except (OSError, ValueError) as error:
            log.debug("cannot store the response of %s: %s", url, error)

    def _is_ours(self, url: str) -> bool:
        return url.endswith(_PATHS) and not distrust_of_path(self._root, self._folder)

    def _path(self, url: str) -> str:
        return os.path.join(self._folder, _sha256(f"{url}{_TIMEOUT}".encode()).hex())


def _http_date() -> str:
    """The current time in RFC 9110 format (5.6.7). Importing `email.utils` would cost 6 ms."""
    now = time.gmtime()
    day, month = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][now.tm_wday], _MONTHS[now.tm_mon - 1]
    return f"{day}, {now.tm_mday:02} {month} {now.tm_year} {now.tm_hour:02}:{now.tm_min:02}:{now.tm_sec:02} GMT"


def is_response_name(name: str) -> bool:
    """Return whether a file name is that of a stored response."""
    return len(name) == 2 * _DIGEST and not name.strip("0123456789abcdef")


def is_whole_response(path: str) -> bool:
    """Return whether a stored response matches its checksum."""
    stored = read_file(path, _MAX_BYTES)
    return stored is not None and _is_whole(stored.data)


def _sha256(data: bytes) -> bytes:
    return sha256(data).digest()


def _is_whole(data: bytes) -> bool:
    return data[:_DIGEST] == _sha256(data[_DIGEST:])


def _is_header(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable()
