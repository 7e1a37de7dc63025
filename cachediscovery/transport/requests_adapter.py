"""The `requests` adapter of one API server: its TLS, its pool, answers that are whole in time, and can be given up."""

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
    """Trusts what `context` trusts and nothing more, whatever `REQUESTS_CA_BUNDLE` or `Session.verify` say."""

    def __init__(self, context: ssl.SSLContext | None, *, server_name: str, pool_size: int) -> None:
        """`server_name` is the one to expect in the server's certificate, "" for the host's."""
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
        """Called by requests: what decides which pool a connection is of, the TLS settings included."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, dict(self._tls)

    def proxy_manager_for(self, proxy: Any, **keywords: Any) -> Any:
        """Called by requests: the pools of a proxy, whose connections can be given up."""
        manager = super().proxy_manager_for(proxy, **keywords)
        if isinstance(manager, ProxyManager):
            # Those of SOCKS are connections of another kind.
            manager.pool_classes_by_scheme = {"http": _ProxiedPool, "https": _ProxiedTLSPool}
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context says it all; requests would add an authority of its own choice."""


class _Cancellable:
    """A connection that a thread need not wait for: what it does is within `cancellation.current()`."""

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
        # TLS takes the socket over before it has shaken hands: this is another way to the same connection.
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
            # Given up just when it came: nobody else would close it.
            if response is not None:
                response.close()
            raise
        response.hang_up = end
        return response


class _InTime(_Cancellable):
    """A connection whose answers know the `DeadlineFile` that they are read from."""

    def response_class(self, *arguments: Any, **keywords: Any) -> DeadlineResponse:
        """Called by `http.client` for the answer of each request."""
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
