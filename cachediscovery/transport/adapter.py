"""The `requests` adapter of one API server: its TLS, its pool, its header lines, answers that are whole in time."""

from __future__ import annotations

import requests.adapters
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from .deadline import DeadlineResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
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
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, dict(self._tls)

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context says it all; requests would add an authority of its own choice."""


class _InTime:
    """What both connections have: answers that know the `DeadlineFile` that they are read from."""

    def response_class(self, *arguments: Any, **keywords: Any) -> DeadlineResponse:
        """Called by `http.client` for the answer of each request."""
        self._answer = DeadlineResponse(*arguments, **keywords)
        return self._answer

    def getresponse(self) -> Any:
        response: Any = super().getresponse()  # type: ignore[misc]
        response.source = self._answer.source
        return response


class _Connection(_InTime, HTTPConnection):  # type: ignore[misc]
    pass


class _TLSConnection(_InTime, HTTPSConnection):  # type: ignore[misc]
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection
