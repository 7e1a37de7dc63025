"""The `requests` adapter of one API server: its TLS, its pool, its header lines."""

from __future__ import annotations

import requests.adapters
from urllib3 import HTTPHeaderDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from typing import Any

    from requests import PreparedRequest, Response


class ServerAdapter(requests.adapters.HTTPAdapter):
    """Trusts what `context` trusts and nothing more, whatever `REQUESTS_CA_BUNDLE` or `Session.verify` say.

    `extra_headers` are header lines of which several may share a name, as `Impersonate-Group` does;
    a `dict` of headers cannot hold them.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        *,
        server_name: str,
        pool_size: int,
        extra_headers: Sequence[tuple[str, str]],
    ) -> None:
        self._tls: dict[str, Any] = {}
        if context is not None:
            self._tls["ssl_context"] = context
            if server_name:
                self._tls.update(server_hostname=server_name, assert_hostname=server_name)
        self._extra_headers = extra_headers
        super().__init__(pool_connections=4, pool_maxsize=pool_size)

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
