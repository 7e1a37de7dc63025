"""`DirectConnections`: the plain GET over plain sockets, for the start of a program.

Importing `requests` takes longer than kubectl takes for all that it does. So what is plain is asked for here: no proxy
in between, an answer that is whole. Whatever else happens, `get` returns None, nothing of what came is used, and
`requests` does the same request again by all its rules.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import zlib

from ..lines import without_userinfo
from ..urls import split_plain
from .answer_reader import AnswerReader, NotPlainError, OverdueError
from .document_transport import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias
    from urllib.parse import SplitResult

    from ..urls import PlainURL

    # A connection, a fingerprint of the server's key, and since when it is idle.
    _Idle: TypeAlias = tuple[socket.socket, str, float]

# API servers, and what is in front of them, close idle connections after minutes.
_IDLE_SECONDS = 60.0


class ConnectTimeoutError(TimeoutError):
    """The time to make a connection, and TLS on it, is over."""


class DirectConnections:
    """Connections to one server, kept open between requests. Safe for use by several threads."""

    def __init__(
        self,
        server: str,
        *,
        context: Callable[[], ssl.SSLContext] | None,
        server_name: str,
        connect_timeout: float,
        read_timeout: float,
        limit: int,
    ) -> None:
        """`server` is a URL; `context` makes its TLS, None without. Time-outs are in seconds, `limit` in bytes."""
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []
        self._pid = os.getpid()
        self._host, self._port, self._authority = _address(server)
        self._context = context
        self._tls: ssl.SSLContext | None = None
        self._server_name = server_name or self._host
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._limit = limit

    def get(self, url: str, headers: Sequence[tuple[str, str]]) -> Answer | None:
        """GET `url`, which is on the server, or None if that is not plain.

        Raises `ConnectTimeoutError` or `OverdueError` where its time is over: nobody is to wait as long again.
        """
        request = self._request(url, headers)
        if request is None:
            return None
        answer = None
        while answer is None:
            connection = None
            reused = self._take_idle()
            try:
                connection, key = reused or self._connect()
                answer = self._ask(connection, key, url, request)
            except (NotPlainError, OSError, ValueError, zlib.error) as error:
                if connection is not None:
                    connection.close()
                if isinstance(error, OverdueError):
                    # What was open before may all be as dead as this.
                    self.close()
                if isinstance(error, (ConnectTimeoutError, OverdueError)):
                    raise
                # A connection may have been closed by the server just when it was to be used again.
                if reused is None:
                    return None
        return answer

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _, _ in idle:
            connection.close()

    def __del__(self) -> None:
        # Whoever made the client need not close it, as with a session.
        self.close()

    def _take_idle(self) -> tuple[socket.socket, str] | None:
        """An open connection on which nothing has come since, or None."""
        if self._pid != os.getpid():
            # Forked: the same connections are the parent's, and answers would go to either.
            self._pid = os.getpid()
            self.close()
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection, key, since = self._idle.pop()
            if time.monotonic() - since < _IDLE_SECONDS and not _is_readable(connection):
                return connection, key
            connection.close()

    def _ask(self, connection: socket.socket, key: str, url: str, request: bytes) -> Answer:
        deadline = time.monotonic() + self._read_timeout
        connection.settimeout(self._read_timeout)
        connection.sendall(request)
        status, headers, body, reusable = AnswerReader(connection, deadline, self._limit).read()
        if reusable:
            with self._lock:
                self._idle.append((connection, key, time.monotonic()))
        else:
            connection.close()
        return Answer(without_userinfo(url), status, headers, body, key)

    def _request(self, url: str, headers: Sequence[tuple[str, str]]) -> bytes | None:
        scheme_and_host, slash, path = url.partition("://")[2].partition("/")
        lines = [f"GET /{path} HTTP/1.1", f"Host: {self._authority}", *(f"{name}: {value}" for name, value in headers)]
        if not slash or scheme_and_host != self._authority or " " in path:
            return None
        # A line that is not printable could be two.
        if not all(line.isascii() and line.isprintable() for line in lines):
            return None
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def _connect(self) -> tuple[socket.socket, str]:
        """A new connection, and a fingerprint of the server's key."""
        # As bytes: for a name of letters the codec of international ones is imported, and does nothing.
        host: Any = self._host.encode("ascii")
        try:
            made = socket.create_connection((host, self._port), self._connect_timeout)
        except TimeoutError:
            raise ConnectTimeoutError from None
        try:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is None:
                return made, ""
            with self._lock:
                if self._tls is None:
                    self._tls = self._context()
            from .server_identity import peer_key

            secured = self._tls.wrap_socket(made, server_hostname=self._server_name)
            return secured, peer_key(secured)
        except TimeoutError:
            made.close()
            raise ConnectTimeoutError from None
        except BaseException:
            made.close()
            raise


def _is_readable(connection: socket.socket) -> bool:
    """Whether something has come that nobody asked for: a goodbye, or the end."""
    import select

    if not hasattr(select, "poll"):
        return bool(select.select([connection], [], [], 0)[0])
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _address(server: str) -> tuple[str, int, str]:
    """Host, port and what stands for both in a URL. Raises `ValueError` where that cannot be told."""
    parts: PlainURL | SplitResult | None = split_plain(server)
    if parts is None:
        from urllib.parse import urlsplit

        parts = urlsplit(server)
    if not parts.hostname or not parts.hostname.isascii():
        raise ValueError("no plain host")
    default = 443 if parts.scheme == "https" else 80
    return parts.hostname, default if parts.port is None else parts.port, parts.netloc
