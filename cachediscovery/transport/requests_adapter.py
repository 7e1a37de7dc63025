"""The `requests` adapter for one API server: its TLS, pools, response deadlines and cancellation."""

from __future__ import annotations

from functools import partial

import requests.adapters
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from .._cancellation import current
from .deadline import DeadlineResponse
from .dialer import connect, hang_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import ssl
    from typing import Any

    from requests import PreparedRequest


class ServerAdapter(requests.adapters.HTTPAdapter):
    """Trusts only `context`, whatever `REQUESTS_CA_BUNDLE` or `Session.verify` say."""

    def __init__(self, context: ssl.SSLContext | None, *, server_name: str, pool_size: int) -> None:
        """`server_name` is the name expected in the server's certificate, "" for the URL's host."""
        self._tls: dict[str, Any] = {}
        if context is not None:
            self._tls["ssl_context"] = context
            if server_name:
                self._tls.update(server_hostname=server_name, assert_hostname=server_name)
        super().__init__(pool_connections=4, pool_maxsize=pool_size)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Called by requests: the key of a connection's pool, which includes the TLS settings."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, dict(self._tls)

    def proxy_manager_for(self, proxy: Any, **keywords: Any) -> Any:
        """Called by requests: the pools of a proxy, with cancellable connections."""
        manager = super().proxy_manager_for(proxy, **keywords)
        if isinstance(manager, ProxyManager):
            # SOCKS pools have their own connection classes.
            manager.pool_classes_by_scheme = {"http": _ProxiedPool, "https": _ProxiedTLSPool}
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Do nothing: the context is complete, and requests would add its own CA bundle."""


class _Cancellable:
    """A connection whose blocking calls end when `_cancellation.current()` is cancelled."""

    _handle: socket.socket | None = None

    def connect(self) -> None:
        try:
            with current().ending(self._hang_up):
                super().connect()  # type: ignore[misc]
        finally:
            if self._handle is not None:
                self._handle.close()

    def _new_conn(self) -> socket.socket:
        here: Any = self
        made = connect(here._dns_host.strip("[]"), here.port, here.timeout)
        # TLS detaches the socket before the handshake: keep a duplicate to shut the connection down.
        self._handle = made.dup()
        try:
            current().check()
        except OSError:
            made.close()
            raise
        return made

    def _hang_up(self) -> None:
        if self._handle is not None:
            hang_up(self._handle)

    def getresponse(self) -> Any:
        end = partial(hang_up, self.sock)  # type: ignore[attr-defined]
        response: Any = None
        try:
            with current().ending(end):
                response = super().getresponse()  # type: ignore[misc]
        except BaseException:
            # Cancelled just as the response arrived: it must be closed here.
            if response is not None:
                response.close()
            raise
        response.hang_up = end
        return response


class _InTime(_Cancellable):
    """A connection whose responses expose the `DeadlineFile` they are read from."""

    def response_class(self, *arguments: Any, **keywords: Any) -> DeadlineResponse:
        """Called by `http.client` to create each response."""
        self._answer = DeadlineResponse(*arguments, **keywords)
        return self._answer

    def getresponse(self) -> Any:
        response: Any = super().getresponse()
        response.source = self._answer.source
        return response


class _Connection(_InTime, HTTPConnection):  # type: ignore[misc]
    pass


class _TLSConnection(_InTime, HTTPSConnection):  # type: ignore[misc]
    pass


class _ProxiedConnection(_Cancellable, HTTPConnection):
    pass


class _ProxiedTLSConnection(_Cancellable, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _ProxiedPool(HTTPConnectionPool):
    ConnectionCls = _ProxiedConnection


class _ProxiedTLSPool(HTTPSConnectionPool):
    ConnectionCls = _ProxiedTLSConnection
