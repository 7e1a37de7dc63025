"""`Dialer`: connections to one server, opened in threads before they are needed.

The caller reads the configuration and imports modules during the handshakes.
"""

from __future__ import annotations

import socket
import weakref
from functools import partial

from .._cancellation import Cancellation, WaitCancelledError, current
from .._concurrency import Lock, begin_in_thread, renew_after_fork
from ..model.redact import without_userinfo
from .options import CONNECTIONS_AHEAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol, TypeAlias

    from .options import TransportOptions

    class Closeable(Protocol):
        """What can be closed."""

        def close(self) -> None:
            """Close it."""

    # Waits for a connection being opened; returns it, or the error.
    _Begun: TypeAlias = Callable[[], socket.socket | OSError]

_DEFAULT_PORTS = {"http": 80, "https": 443}


class ConnectTimeoutError(TimeoutError):
    """The time to connect, or for the TLS handshake, is over."""


class Dialer:
    """Opens connections. Safe for use by several threads."""

    def __init__(self, server: str, timeout: float) -> None:
        """`server` is an http or https URL. `timeout` (seconds) applies to TCP and to TLS each. Raises `ValueError`."""
        from urllib.parse import urlsplit

        parts = urlsplit(server)
        if not parts.hostname:
            raise ValueError(f"no host in {without_userinfo(server)!r}")
        # As bytes: for text Python imports the IDNA codec, which most hosts do not need.
        self._address = parts.hostname.encode("ascii" if parts.hostname.isascii() else "idna")
        self.host: str = self._address.decode()
        self._port = _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
        self._timeout = timeout
        self._context: ssl.SSLContext | None = None
        self._server_name = b""
        self._lock = Lock()
        # TCP connections without TLS, and connections ready for a request.
        self._reached: list[_Begun] = []
        self._begun: list[_Begun] = []
        # Open connections that have not been taken.
        self._waiting: set[socket.socket] = set()
        close_when_dropped(self, self._waiting)
        # Connections are opened within this; `close` cancels and replaces it.
        self._beginning = Cancellation()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Called in the child of a fork, where only the forking thread exists."""
        # The connections belong to the parent.
        self.close()

    def reach(self, count: int) -> None:
        """Start `count` TCP connections, which need only the address."""
        reached = self._begin(partial(connect, self._address, self._port, self._timeout), count)
        with self._lock:
            self._reached += reached

    def secure(self, context: ssl.SSLContext, server_name: str) -> None:
        """Use TLS from now on. `server_name` is the name expected in the certificate, "" for the host."""
        if self._context is not None:
            self.close()
        self._context = context
        self._server_name = server_name.encode("ascii" if server_name.isascii() else "idna") or self._address

    def begin(self, count: int) -> None:
        """Start `count` connections, reusing the TCP connections already started."""
        # Do not hold the lock: if no thread can start, this thread connects.
        begun = self._begin(self.make, count)
        with self._lock:
            self._begun += begun

    def take(self) -> socket.socket | None:
        """Return a connection already started, waiting for it if necessary; None if there is none. Raises `OSError`."""
        begun = self._pop(self._begun)
        return None if begun is None else self._taken(begun)

    def make(self) -> socket.socket:
        """Open a connection, reusing a TCP connection already started if there is one. Raises `OSError`."""
        reached = self._pop(self._reached)
        made = self._taken(reached) if reached is not None else None
        made = made or connect(self._address, self._port, self._timeout)
        if self._context is None:
            return made
        try:
            secured = self._context.wrap_socket(made, server_hostname=self._server_name, do_handshake_on_connect=False)
        except BaseException:
            made.close()
            raise
        try:
            with current().ending(partial(hang_up, secured)):
                secured.do_handshake()
        except TimeoutError as error:
            secured.close()
            raise ConnectTimeoutError("the time for the TLS handshake is over") from error
        except BaseException:
            secured.close()
            raise
        return secured

    def close(self) -> None:
        """Close connections that were started and not taken, now or as soon as they are open."""
        with self._lock:
            ended, self._beginning = self._beginning, Cancellation()
            waiting = list(self._waiting)
            self._waiting.clear()
            self._reached.clear()
            self._begun.clear()
        ended.cancel("the connection was closed before it was used")
        for connection in waiting:
            connection.close()

    def _begin(self, make: Callable[[], socket.socket], count: int) -> list[_Begun]:
        # Not within the caller's cancellation: another caller may take these connections.
        with self._beginning as beginning:
            return [begin_in_thread(partial(self._ahead, make, beginning)) for _ in range(count)]

    def _ahead(self, make: Callable[[], socket.socket], beginning: Cancellation) -> socket.socket | OSError:
        """Open a connection and keep it until it is taken."""
        try:
            made = make()
        except OSError as error:
            # Its traceback would keep this dialer alive.
            return error.with_traceback(None)
        with self._lock:
            if beginning is self._beginning:
                self._waiting.add(made)
                return made
        made.close()
        return ConnectionAbortedError("closed before it was used")

    def _pop(self, begun: list[_Begun]) -> _Begun | None:
        with self._lock:
            return begun.pop() if begun else None

    def _taken(self, begun: _Begun) -> socket.socket | None:
        """Wait for a connection already started; None if `close` was called meanwhile, perhaps for another request."""
        made = begun()
        if isinstance(made, ConnectionAbortedError):
            return None
        if isinstance(made, OSError):
            raise made
        with self._lock:
            if made not in self._waiting:
                # `close` has closed it after it was made.
                return None
            self._waiting.remove(made)
        return made


def connect(host: str | bytes, port: int, timeout: float | None) -> socket.socket:
    """Open a TCP connection to the first address of `host` that accepts one. Raises `OSError`."""
    failed: OSError = ConnectionError("the host name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            return _connect_to(address, socket.socket(family, kind, protocol), timeout)
        except WaitCancelledError:
            raise
        except OSError as error:
            failed = error
    try:
        if isinstance(failed, TimeoutError):
            raise ConnectTimeoutError("the time to connect is over") from failed
        raise failed
    finally:
        # Its traceback would keep the caller alive.
        del failed


def _connect_to(address: Any, made: socket.socket, timeout: float | None) -> socket.socket:
    try:
        made.settimeout(timeout)
        with current().ending(partial(hang_up, made)):
            made.connect(address)
        # A request is one write: Nagle's algorithm would only delay it.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        made.close()
        raise
    return made


def hang_up(connection: Any) -> None:
    """Shut down the socket `connection`, to wake any thread that waits for it."""
    try:
        # Not SSLSocket.shutdown: it would remove the TLS layer while a thread reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except (OSError, TypeError):
        pass


def reach(server: str, options: TransportOptions, *, has_proxy: bool) -> Dialer | None:
    """Start connecting to a server that will be needed soon; None if there may be a proxy."""
    from .proxies import may_need_proxy

    if has_proxy or may_need_proxy(server):
        return None
    dialer = Dialer(server, options.bounded().connect_timeout)
    dialer.reach(CONNECTIONS_AHEAD)
    return dialer


def close_when_dropped(owner: object, connections: Iterable[Closeable]) -> None:
    """Close everything in `connections` when `owner` is garbage-collected, so that owners need no `close`."""

    def close_all() -> None:
        for connection in connections:
            connection.close()

    # Unlike __del__, this always runs before the sockets emit a ResourceWarning.
    weakref.finalize(owner, close_all).atexit = False
