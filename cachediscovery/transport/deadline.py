"""`DeadlineResponse`: an answer of `http.client` whose every byte comes in time.

A time-out of a socket is one for each read, and a server that drips may be read from for ever. Both ways to the server
read through this: our own connections, and those of `requests`.
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
    """Reads from a socket until a deadline, then raises `TimeoutError`."""

    def __init__(self, connection: Any) -> None:
        """`connection` is a socket, TLS or not; the seconds of its time-out are those for all that is read here."""
        self.connection = connection
        self._seconds: float | None = connection.gettimeout()
        self._deadline = time.monotonic() + self._seconds if self._seconds is not None else None
        self._file = connection.makefile("rb", buffering=0)
        self._ended = False
        # Whether more came than the answer: the connection is not to be used again.
        self.has_surplus = False

    def without_deadline(self) -> None:
        """From now on the seconds are those for each read, as of an answer that has no end."""
        self._deadline = None
        self.connection.settimeout(self._seconds)

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read into `buffer` within the time that is left; the number of bytes."""
        if self._ended:
            return 0
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                # Also where bytes are there: a fast stream without end is not waited for either.
                raise TimeoutError("the time for the whole answer is over")
            self.connection.settimeout(left)
        count: int | None = self._file.readinto(buffer)
        return count

    def end(self) -> None:
        """Read nothing more: the answer is over."""
        self._ended = True

    def close(self) -> None:
        """Close what the bytes come from."""
        if not self.closed:
            self._file.close()
        super().close()


class _Buffer(io.BufferedReader):
    """What `http.client` reads an answer from, and closes at its end."""

    def __init__(self, source: DeadlineFile) -> None:
        super().__init__(source, _BUFFER)
        self._source = source

    def close(self) -> None:
        if not self.closed:
            self._source.end()
            self._source.has_surplus = bool(self.peek(1))
        super().close()


class DeadlineResponse(http.client.HTTPResponse):
    """Takes no longer than the time-out that its socket has when it is made, from the first byte to the last."""

    def __init__(self, sock: Any, *arguments: Any, **keywords: Any) -> None:
        self.source: DeadlineFile = DeadlineFile(sock)
        super().__init__(_Opened(self.source), *arguments, **keywords)  # type: ignore[arg-type]


class _Opened:
    """A socket of which `http.client` wants a file to read from, and no more."""

    def __init__(self, source: DeadlineFile) -> None:
        self._source = source

    def makefile(self, _mode: str) -> io.BufferedReader:
        return _Buffer(self._source)
