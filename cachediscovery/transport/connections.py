"""`ServerConnections`: GET requests over `http.client`, on persistent connections to one API server.

Used when there is no proxy. `requests` could do this, but importing it takes longer than a whole run of kubectl.
"""

from __future__ import annotations

import http.client
import time
import zlib
from functools import partial
from itertools import count

from .._cancellation import WaitCancelledError, current
from .._concurrency import Lock, renew_after_fork
from .base import Headers, RawResponse
from .deadline import DeadlineResponse
from .dialer import close_when_dropped, hang_up
from .incomplete import CutShortError, TooLargeError
from .server_identity import fingerprint_of_peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from .dialer import Dialer

# API servers and load balancers close idle connections after minutes.
_IDLE_SECONDS = 60.0
_CHUNK = 1 << 20
# The longest wait for a running request to finish on a connection that another request needs.
_MAX_WAIT_SECONDS = 5.0
_POLL = 0.005
_GZIP = 16 + zlib.MAX_WBITS


class Connection(http.client.HTTPConnection):
    """An open connection with its own number. It never reconnects."""

    response_class: type[DeadlineResponse] = DeadlineResponse
    auto_open = 0
    _numbers = count(1)

    def __init__(self, host: str, made: socket.socket) -> None:
        super().__init__(host)
        self.sock = made
        self.number: int = next(self._numbers)
        self.fingerprint: str = fingerprint_of_peer(made)
        self.idle_since: float = 0.0


class ServerConnections:
    """A pool of persistent connections. Safe for use by several threads."""

    def __init__(self, dialer: Dialer, *, read_timeout: float, limit: int) -> None:
        """`dialer` opens the connections. `read_timeout` (seconds) and `limit` (bytes) apply to a whole response."""
        self._dialer = dialer
        self._read_timeout = read_timeout
        self._limit = limit
        self._lock = Lock()
        self._idle: list[Connection] = []
        close_when_dropped(self, self._idle)
        # Numbers of connections with a running request that return to the pool afterwards.
        self._busy: set[int] = set()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Called in the child of a fork, where only the forking thread exists."""
        # The sockets are shared with the parent: either process could read the other's responses.
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        self._busy.clear()

    def get(self, host: str, target: str, headers: Sequence[tuple[str, str]]) -> RawResponse:
        """GET `target` (path and query) with `host` as the `Host` header. The response's `url` is empty.

        Raises `OSError`, `http.client.HTTPException`, `zlib.error`, `ValueError` for invalid headers,
        `TooLargeError` or `CutShortError`.
        """
        while True:
            connection = self._take_idle() or self._take_begun()
            if connection is None:
                return self._ask(self._new(self._dialer.make()), host, target, headers)
            try:
                return self._ask(connection, host, target, headers)
            except WaitCancelledError:
                raise
            except TimeoutError:
                # The other idle connections may be dead too.
                self.close()
                raise
            except (OSError, http.client.HTTPException):
                # The server may have closed the idle connection just before this request.
                continue

    def get_on(self, number: int, host: str, target: str, headers: Sequence[tuple[str, str]]) -> RawResponse | None:
        """Like `get`, but on the connection with that number; None if it is no longer open."""
        deadline = time.monotonic() + _MAX_WAIT_SECONDS
        while True:
            with self._lock:
                found = next((idle for idle in self._idle if idle.number == number), None)
                if found is not None:
                    self._idle.remove(found)
                    self._busy.add(number)
                    break
                if number not in self._busy:
                    return None
            if time.monotonic() > deadline:
                return None
            time.sleep(_POLL)
        if _is_readable(found.sock):
            self._drop(found)
            return None
        return self._ask(found, host, target, headers)

    def close(self) -> None:
        """Close idle connections now and busy ones when their request ends. The pool stays usable."""
        with self._lock:
            idle = list(self._idle)
            self._idle.clear()
            self._busy.clear()
        for connection in idle:
            connection.close()
        self._dialer.close()

    def _take_idle(self) -> Connection | None:
        """Return an idle connection on which nothing has arrived since its last response, or None."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
                self._busy.add(connection.number)
            if time.monotonic() - connection.idle_since < _IDLE_SECONDS and not _is_readable(connection.sock):
                return connection
            self._drop(connection)

    def _new(self, made: socket.socket) -> Connection:
        connection = Connection(self._dialer.host, made)
        with self._lock:
            self._busy.add(connection.number)
        return connection

    def _drop(self, connection: Connection) -> None:
        with self._lock:
            self._busy.discard(connection.number)
        connection.close()

    def _take_begun(self) -> Connection | None:
        """Return a connection opened ahead of time, or None. The server may have closed it since."""
        begun = self._dialer.take()
        return self._new(begun) if begun is not None else None

    def _ask(self, connection: Connection, host: str, target: str, headers: Sequence[tuple[str, str]]) -> RawResponse:
        try:
            with current().ending(partial(hang_up, connection.sock)):
                connection.sock.settimeout(self._read_timeout)
                connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
                connection.putheader("Host", host)
                for name, value in headers:
                    connection.putheader(name, value)
                connection.endheaders()
                response: DeadlineResponse = connection.getresponse()  # type: ignore[assignment]
                body = self._read(response)
        except BaseException:
            self._drop(connection)
            raise
        connection.idle_since = time.monotonic()
        with self._lock:
            is_open = connection.number in self._busy and not (response.will_close or response.source.has_surplus)
            self._busy.discard(connection.number)
            if is_open:
                self._idle.append(connection)
        if not is_open:
            connection.close()
        shown = Headers(response.headers.items())
        return RawResponse("", response.status, shown, body, connection.fingerprint, connection.number)

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        """Read and decompress the whole body."""
        chunks = []
        size = 0
        while chunk := response.read(_CHUNK):
            size += len(chunk)
            if size > self._limit:
                raise TooLargeError
            chunks.append(chunk)
        # http.client knows that bytes are missing but raises nothing.
        if response.length:
            raise CutShortError
        body = b"".join(chunks)
        coding = response.headers.get("Content-Encoding", "identity").lower()
        if coding == "identity" or not body:
            return body
        if coding != "gzip":
            raise zlib.error(f"unexpected Content-Encoding {coding!r}")
        decompress = zlib.decompressobj(_GZIP)
        plain = decompress.decompress(body, self._limit + 1)
        if len(plain) > self._limit:
            raise TooLargeError
        if not decompress.eof:
            raise CutShortError
        return plain


def _is_readable(connection: socket.socket) -> bool:
    """Return whether the socket has unrequested data: a TLS close, or the end of the connection."""
    import select

    if not hasattr(select, "poll"):
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
