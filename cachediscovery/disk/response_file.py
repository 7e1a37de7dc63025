"""The files of kubectl's folder `http/`: their names, and their form (client-go's `sumDiskCache` and `httpcache`).

A file is named by the SHA-256 of the URL. It holds the SHA-256 (32 bytes) of the rest, which is the response as
received.
"""

from __future__ import annotations

import os
import time

from .trust import open_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = "http"
# The path of the OpenAPI v3 index.
OPENAPI = "/openapi/v3"
# client-go adds its time-out to the URL, and so to the file name.
_TIMEOUT = "timeout=32s"
_DIGEST = 32
_END_OF_HEAD = b"\r\n\r\n"
_MAX_HEAD = 16 << 10
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_YEAR = 365 * 24 * 3600
# Loading OpenSSL, which is faster, takes longer than hashing this many bytes without it.
_SHORT = 128 << 10


class ResponseHead:
    """The head of a stored response with status 200; header names in lower case.

    The body is `size` bytes at offset `at` of the file. `state` is that of the file: the fields of a `Signature`.
    """

    __slots__ = ("at", "headers", "size", "state")

    def __init__(self, headers: dict[str, str], at: int, size: int, state: tuple[int, int, int, int]) -> None:
        self.headers: dict[str, str] = headers
        self.at: int = at
        self.size: int = size
        self.state: tuple[int, int, int, int] = state


def response_path(root: str, url: str, *, timeout: bool = True) -> str:
    """The file of the response to `url`, whose query is sorted. client-go follows redirects without its time-out."""
    target, _, query = url.partition("?")
    if timeout:
        pairs = [*query.split("&"), _TIMEOUT] if query else [_TIMEOUT]
        query = "&".join(sorted(pairs, key=lambda pair: pair.partition("=")[0]))
    name = _sha256(f"{target}?{query}".encode() if query else target.encode()).hex()
    return os.path.join(root, FOLDER, name)


def is_url(key: str) -> bool:
    """Whether the key of a document (`DocumentStore`) is the URL of a response."""
    return "://" in key


def read_head(path: str) -> ResponseHead | None:
    """The head of a stored response, without checking the file's sum; None if it is missing or of no use."""
    try:
        file, found = open_trusted(path)
        with file:
            start = file.read(_DIGEST + _MAX_HEAD)
    except (OSError, ValueError):
        return None
    head, separator, _ = start[_DIGEST:].partition(_END_OF_HEAD)
    headers = _headers_of(head) if separator else None
    if headers is None or "transfer-encoding" in headers:
        return None
    at = _DIGEST + len(head) + len(separator)
    state = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    return ResponseHead(headers, at, found.st_size - at, state)


def parse_response(data: bytes) -> tuple[dict[str, str], bytes] | None:
    """Headers, with names in lower case, and body of a stored response; None if it is broken or of no use."""
    if not is_whole(data):
        return None
    head, _, body = data[_DIGEST:].partition(_END_OF_HEAD)
    headers = _headers_of(head)
    if headers is None:
        return None
    chunked = headers.get("transfer-encoding")
    if chunked is None:
        return headers, body
    decoded = _without_chunks(body) if chunked.lower() == "chunked" else None
    return None if decoded is None else (headers, decoded)


def encode_response(headers: Iterable[str], body: bytes) -> bytes:
    """The file of a response with these header lines. Raises `ValueError` for a line that cannot be encoded."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    data = "\r\n".join(lines).encode("latin-1") + body
    return _sha256(data) + data


def is_whole(data: bytes) -> bool:
    """Whether a stored response matches its checksum."""
    return data[:_DIGEST] == _sha256(data[_DIGEST:])


def is_response_name(name: str) -> bool:
    """Whether a file name is that of a stored response."""
    return len(name) == 2 * _DIGEST and not name.strip("0123456789abcdef")


def is_header(value: str) -> bool:
    """Whether a header may have this value."""
    return bool(value) and value.isascii() and value.isprintable()


def http_date(moment: float | None = None) -> str:
    """A time, by default now, in RFC 9110 format (5.6.7). Importing `email.utils` would cost 6 ms."""
    at = time.gmtime(moment)
    clock = f"{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}"
    return f"{_DAYS[at.tm_wday]}, {at.tm_mday:02} {_MONTHS[at.tm_mon - 1]} {at.tm_year} {clock} GMT"


def in_a_year() -> str:
    """The date until which an immutable response is fresh, as the API server gives it."""
    return http_date(time.time() + _YEAR)


def _headers_of(head: bytes) -> dict[str, str] | None:
    status, *lines = head.decode("latin-1").replace("\r\n", "\n").split("\n")
    if status.split(" ")[1:2] != ["200"]:
        return None
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return None if "content-encoding" in headers else headers


def _without_chunks(body: bytes) -> bytes | None:
    """The content of a chunked body (RFC 9112, 7.1); None if it is malformed."""
    chunks: list[bytes] = []
    at = 0
    while True:
        end = body.find(b"\r\n", at)
        try:
            size = int(body[at:end].partition(b";")[0], 16)
        except ValueError:
            return None
        at = end + 2
        if size == 0:
            return b"".join(chunks)
        if end < 0 or size < 0 or body[at + size : at + size + 2] != b"\r\n":
            return None
        chunks.append(body[at : at + size])
        at += size + 2


def _sha256(data: bytes) -> bytes:
    if len(data) <= _SHORT:
        for name in ("_sha2", "_sha256"):
            try:
                digest: bytes = __import__(name).sha256(data).digest()
            except ImportError:
                continue
            return digest
    from hashlib import sha256

    return sha256(data).digest()
