"""The `requests` adapter of one API server: its TLS, its pool, its header lines."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import requests.adapters
from urllib3 import HTTPConnectionPool, HTTPHeaderDict, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from requests import PreparedRequest, Response


class ServerAdapter(requests.adapters.HTTPAdapter):
    """Trusts what `context` trusts and nothing more, whatever `REQUESTS_CA_BUNDLE` or `Session.verify` say.

    `extra_headers` are header lines of which several may share a name, as `Impersonate-Group` does;
    a `dict` of headers cannot hold them. `header_seconds` bounds the time until the header of an answer is whole.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        *,
        server_name: str,
        pool_size: int,
        header_seconds: float,
        extra_headers: Sequence[tuple[str, str]],
    ) -> None:
        self._tls: dict[str, Any] = {}
        if context is not None:
            self._tls["ssl_context"] = context
            if server_name:
                self._tls.update(server_hostname=server_name, assert_hostname=server_name)
        self._extra_headers = extra_headers
        super().__init__(pool_connections=4, pool_maxsize=pool_size)
        self.poolmanager.pool_classes_by_scheme = _pool_classes(header_seconds)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, dict(self._tls)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context says it all; requests would add an authority of its own choice."""

    def send(self, request: PreparedRequest, *arguments: Any, **keywords: Any) -> Response:
        if self._extra_headers:
            headers = HTTPHeaderDict(dict(request.headers))
            for name, value in self._extra_headers:
                headers.add(name, value)
            request.headers = headers  # type: ignore[assignment]
        return super().send(request, *arguments, **keywords)


def _pool_classes(header_seconds: float) -> dict[str, Any]:
    """urllib3's pools, with connections that get a header whole in time, or break.

    A time-out of the socket is one for each read, and a server that drips may be read from for ever. Their responses
    have the socket in `server_socket`: where the server says goodbye, it is in no connection any more.
    """

    def bounded(connection: HTTPConnection, read: Callable[[], Any]) -> Any:
        used, response = connection.sock, None
        try:
            with time_limit(used, header_seconds):
                response = read()
        except TimeoutError:
            if response is not None:
                response.close()
            raise
        response.server_socket = used
        return response

    class Bounded(HTTPConnection):
        def getresponse(self) -> Any:
            return bounded(self, super().getresponse)

    class BoundedTLS(HTTPSConnection):
        def getresponse(self) -> Any:
            return bounded(self, super().getresponse)

    plain = type("BoundedPool", (HTTPConnectionPool,), {"ConnectionCls": Bounded})
    return {"http": plain, "https": type("BoundedTLSPool", (HTTPSConnectionPool,), {"ConnectionCls": BoundedTLS})}


@contextmanager
def time_limit(used: Any, seconds: float) -> Iterator[None]:
    """After so many seconds nothing more comes from the socket `used`, whoever reads from it.

    Raises `TimeoutError` then, whatever the end was taken for: http.client takes a header that ends there for whole.
    """
    over = threading.Event()

    def stop() -> None:
        over.set()
        hang_up(used)

    timer = threading.Timer(max(seconds, 0.0), stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if not over.is_set():
            raise
    finally:
        timer.cancel()
    if over.is_set():
        raise TimeoutError("the time is over")


def hang_up(used: Any) -> None:
    """Wake whoever waits for the socket `used`, which may be None."""
    try:
        if isinstance(used, socket.socket):
            # Not TLS's own: that would take the TLS away from under a thread that reads.
            socket.socket.shutdown(used, socket.SHUT_RDWR)
    except OSError:
        pass
