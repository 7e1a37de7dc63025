"""`AnswerReader`: one answer of HTTP/1.1 off a socket (RFC 9112), whole and in time, or an exception."""

from __future__ import annotations

import time
import zlib

from .document_transport import NOT_MODIFIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

_FIRST_FINAL = 200
_WITHOUT_BODY = (204, NOT_MODIFIED)
_MAX_HEADER_BYTES = 64 << 10
_CHUNK = 256 << 10
_GZIP = 16 + zlib.MAX_WBITS


class NotPlainError(Exception):
    """The answer, or the way to it, is for a real HTTP client."""


class OverdueError(TimeoutError):
    """The time for the whole answer is over."""


class Headers(dict[str, str]):
    """Headers by name, in any letter case."""

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        return super().get(name.lower(), default)


class AnswerReader:
    """Reads one answer, whole and in time, or raises."""

    def __init__(self, connection: socket.socket, deadline: float, limit: int) -> None:
        self._connection = connection
        self._deadline = deadline
        self._limit = limit
        self._pending = b""

    def read(self) -> tuple[int, Mapping[str, str], bytes, bool]:
        """Status, headers, body, and whether the connection may be used again."""
        while b"\r\n\r\n" not in self._pending:
            if len(self._pending) > _MAX_HEADER_BYTES:
                raise NotPlainError("a long header")
            self._receive()
        head, _, self._pending = self._pending.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        code = int(rest[:3])
        if version != "HTTP/1.1" or code < _FIRST_FINAL:
            raise NotPlainError("another protocol, or an answer before the answer")
        headers = Headers()
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip() or (name.lower() in headers and _is_framing(name)):
                raise NotPlainError("no header, or one said twice")
            headers[name.lower()] = value.strip()
        reusable = headers.get("Connection").lower() != "close"
        if code in _WITHOUT_BODY:
            return code, headers, b"", reusable and not self._pending
        body = self._decoded(self._body(headers), headers.get("Content-Encoding").lower())
        return code, headers, body, reusable and not self._pending

    def _body(self, headers: Headers) -> bytes:
        coding, length = headers.get("Transfer-Encoding").lower(), headers.get("Content-Length")
        if coding == "chunked" and not length:
            return self._chunks()
        if coding or not (length.isascii() and length.isdecimal()) or int(length) > self._limit:
            raise NotPlainError("a body without an end, or too large")
        return self._take(int(length))

    def _chunks(self) -> bytes:
        chunks: list[bytes] = []
        left = self._limit
        while True:
            size = int(self._line().partition(b";")[0], 16)
            if not 0 <= size <= left:
                raise NotPlainError("too large")
            left -= size
            if size == 0:
                if self._line():
                    raise NotPlainError("trailers")
                return b"".join(chunks)
            chunks.append(self._take(size))
            if self._line():
                raise NotPlainError("a chunk of another size")

    def _line(self) -> bytes:
        while b"\r\n" not in self._pending:
            if len(self._pending) > _MAX_HEADER_BYTES:
                raise NotPlainError("a long line")
            self._receive()
        line, _, self._pending = self._pending.partition(b"\r\n")
        return line

    def _take(self, size: int) -> bytes:
        parts = [self._pending]
        have = len(self._pending)
        while have < size:
            self._pending = b""
            self._receive()
            parts.append(self._pending)
            have += len(self._pending)
        whole = b"".join(parts)
        self._pending = whole[size:]
        return whole[:size]

    def _receive(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            # Also where bytes are there: a fast stream without end is not waited for either.
            raise OverdueError
        try:
            self._connection.settimeout(left)
            data = self._connection.recv(_CHUNK)
        except TimeoutError:
            raise OverdueError from None
        if not data:
            raise NotPlainError("cut short")
        self._pending += data

    def _decoded(self, body: bytes, coding: str) -> bytes:
        if coding in ("", "identity"):
            return body
        if coding != "gzip":
            raise NotPlainError("another compression")
        decompress = zlib.decompressobj(_GZIP)
        plain = decompress.decompress(body, self._limit + 1)
        if len(plain) > self._limit or not decompress.eof or decompress.unused_data:
            raise NotPlainError("cut short, or too large")
        return plain


def _is_framing(name: str) -> bool:
    return name.lower() in ("content-length", "transfer-encoding", "content-encoding", "content-type", "etag")
