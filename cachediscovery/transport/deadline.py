"""`DeadlineResponse`: an `http.client` response with a deadline for the whole of it.

A socket's time-out applies to each read, so a slow server could keep a reader waiting without limit. Our own
connections and those of `requests` both read through this.
"""

from __future__ import annotations

import http.client
import io
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BUFFER = 64 << 10


class DeadlineFile(io.RawIOBase):
    """A file that reads from a socket until a deadline, then raises `TimeoutError`."""

    def __init__(self, connection: Any) -> None:
        """`connection` is a socket or TLS socket. Its time-out, in seconds, becomes the deadline for all reads."""
        self.connection = connection
        self._seconds: float | None = connection.gettimeout()
        self._deadline = time.monotonic() + self._seconds if self._seconds is not None else None
        self._file = connection.makefile("rb", buffering=0)
        self._ended = False
        # True if data followed the response: the connection must not be reused.
        self.has_surplus = False

    def without_deadline(self) -> None:
        """Apply the time-out to each read from now on, for a streaming response."""
        self._deadline = None
        self.connection.settimeout(self._seconds)

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read into `buffer` within the remaining time. Return the number of bytes."""
        if self._ended:
            return 0
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                # Checked before every read: a fast endless response must time out too.
                raise TimeoutError("the time for the whole response is over")
            self.connection.settimeout(left)
        count: int | None = self._file.readinto(buffer)
        return count

    def end(self) -> None:
        """Read no more: the response is complete."""
        self._ended = True

    def close(self) -> None:
        """Close the underlying file."""
        if not self.closed:
            self._file.close()
        super().close()


class _Buffer(io.BufferedReader):
    """The file that `http.client` reads a response from, and closes at its end."""

    def __init__(self, source: DeadlineFile) -> None:
        super().__init__(source, _BUFFER)
        self._source = source

    def close(self) -> None:
        if not self.closed:
            self._source.end()
            self._source.has_surplus = bool(self.peek(1))
        super().close()


class DeadlineResponse(http.client.HTTPResponse):
    """Its deadline is the time-out of the socket, counted from the creation of the response to its last byte."""

    def __init__(self, sock: Any, *arguments: Any, **keywords: Any) -> None:
        self.source: DeadlineFile = DeadlineFile(sock)
        super().__init__(_Opened(self.source), *arguments, **keywords)  # type: ignore[arg-type]


class _Opened:
    """The part of a socket that `http.client` uses: `makefile`."""

    def __init__(self, source: DeadlineFile) -> None:
        self._source = source

    def makefile(self, _mode: str) -> io.BufferedReader:
        return _Buffer(self._source)
