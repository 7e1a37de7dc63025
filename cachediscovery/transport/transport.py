"""`Transport`: GET a complete document from one API server, within limits, or raise a `RequestError`."""

from __future__ import annotations

import time
from functools import partial

from .. import _log as log
from .._cancellation import Cancellation, WaitCancelledError, current
from .._concurrency import Lock, renew_after_fork
from ..model.errors import DiscoveryError, RequestError, StatusError
from ..model.redact import without_userinfo
from .base import NOT_MODIFIED, RawResponse
from .options import CONNECTIONS_AHEAD, TransportOptions
from .proxies import may_need_proxy_for
from .redirects import MAX_REDIRECTS, REDIRECTS, redirected, same_origin, told_of_redirect
from .request_headers import host_and_target, request_headers
from .retries import Retries
from .server_identity import identity_of, note_identity
from .streaming import StreamingTransport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    import requests

    from ..config.client_config import ClientConfig
    from .connections import ServerConnections
    from .credentials import Credentials, Identity
    from .dialer import Dialer
    from .session import ServerSession
    from .tls import TLSContexts
    from .watch_stream import LineStream

    T = TypeVar("T")

# Closing ends requests at once, except for name lookups and requests of the caller's session.
_CLOSE_SECONDS = 1.5
_OK = 200


class Transport(StreamingTransport):
    """GET requests to one API server. Safe for use by several threads.

    Requests go over `ServerConnections`. Those that may need a proxy, streams and redirects to other hosts go over
    `ServerSession`, which is created, and `requests` imported, on first use.
    """

    def __init__(
        self,
        server: str,
        options: TransportOptions = TransportOptions(),
        *,
        session: requests.Session | None = None,
        config: ClientConfig | None = None,
        dialer: Dialer | None = None,
    ) -> None:
        """`session` is used as it is; or `config` defines the connection and the credentials.

        `dialer` may already be connecting to the server. Raises `ConfigError` for an invalid URL.
        """
        if "@" in server:
            from ..config.server_url import split_server

            split_server(server)
        super().__init__(server)
        self._given = session
        self._config = config
        self._options = options.bounded()
        self._dialer = dialer
        self._credentials: Credentials | None = None
        self._tls: TLSContexts | None = None
        if config is not None:
            from .credentials import Credentials

            self._credentials = Credentials(config)
        self._lock = Lock()
        # All requests run within this; `close` cancels and replaces it.
        self._open = Cancellation()
        self._session_made: ServerSession | None = None
        # For the client certificate used last.
        self._connections_made: ServerConnections | None = None
        self._shown: tuple[bytes, bytes] | None = None
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Called in the child of a fork, where only the forking thread exists."""
        if self._given is None:
            # Another thread of the parent may have held a lock of its connection pool.
            self._session_made = None

    def connect_ahead(self) -> None:
        """Start connecting, in threads, for requests that follow. Errors are ignored: the request raises them again."""
        if self._credentials is None or may_need_proxy_for(self._config):
            return
        from .credentials import PluginNeeded

        try:
            dialer = self._dialer_for(self._credentials.identity())
        except (DiscoveryError, PluginNeeded):
            return
        dialer.begin(CONNECTIONS_AHEAD)

    def run_with_credentials(self, call: Callable[[], T]) -> T:
        """Return the result of `call`: see `DocumentTransport.run_with_credentials`."""
        return call() if self._credentials is None else self._credentials.run_with(call)

    def reconnect(self) -> None:
        """Use new connections for requests that start after this call."""
        with self._lock:
            closeable = (self._session_made, self._connections_made or self._dialer)
        for made in closeable:
            if made is not None:
                made.close()

    def close(self) -> None:
        """Cancel all running requests and close all connections. A later request opens new ones."""
        with self._lock:
            ended, self._open = self._open, Cancellation()
        ended.cancel("the connections were closed")
        self.reconnect()
        ended.wait_until_idle(_CLOSE_SECONDS)

    def ask(self, url: str, headers: Mapping[str, str]) -> RawResponse:
        """GET `url`. Retry as the options say, follow redirects, and renew the credentials after a 401."""
        try:
            with Cancellation(self._open, current()):
                return self._ask(url, headers)
        except WaitCancelledError as error:
            from .error_mapping import request_error

            raise request_error(without_userinfo(url), error, 0, 0) from error

    def _ask(self, url: str, headers: Mapping[str, str]) -> RawResponse:
        retries, renewed = Retries(self._options), False
        while True:
            identity = self._credentials.identity() if self._credentials is not None else None
            try:
                return self._get(url, headers, identity)
            except RequestError as error:
                is_denied = isinstance(error, StatusError) and error.code == 401
                if is_denied and identity is not None and not renewed:
                    assert self._credentials is not None
                    renewed = True
                    if self._credentials.renew(identity):
                        continue
                pause = retries.pause_after(error)
                if pause is None:
                    raise
                current().sleep(pause)

    def stream(self, path: str, *, accept: str, read_timeout: float) -> LineStream:
        """GET a streaming response: see `StreamingTransport.stream`."""
        within = self._open
        with Cancellation(within, current()):
            return self._stream(path, accept, read_timeout, within)

    def _stream(self, path: str, accept: str, read_timeout: float, within: Cancellation) -> LineStream:
        def stream(identity: Identity | None) -> LineStream:
            lines = self._lines({"Accept": accept}, identity)
            return self._session().stream(self._server + path, lines, identity, read_timeout, within)

        identity = self._credentials.identity() if self._credentials is not None else None
        try:
            return stream(identity)
        except StatusError as error:
            if error.code != 401 or identity is None or self._credentials is None:
                raise
            if not self._credentials.renew(identity):
                raise
        return stream(self._credentials.identity())

    def _get(self, url: str, headers: Mapping[str, str], identity: Identity | None) -> RawResponse:
        """Follow redirects: on the same origin with credentials, to other hosts without."""
        anonymous, asked = False, url
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = self._send(url, headers, identity, anonymous=anonymous)
            except RequestError as error:
                raise told_of_redirect(error, asked, url) from error.__cause__
            location = response.headers.get("Location", "")
            if response.status not in REDIRECTS or not location:
                if response.status in (_OK, NOT_MODIFIED):
                    return response
                from .error_mapping import status_error

                refused = status_error(without_userinfo(url), response.status, response.headers, response.body)
                raise told_of_redirect(refused, asked, url)
            url = redirected(url, location)
            if not url:
                raise RequestError(
                    without_userinfo(asked),
                    f"{without_userinfo(asked)} redirects to a URL that is not HTTP: check the server's URL",
                )
            if not anonymous and not same_origin(asked, url):
                log.info("%s redirects to another host, which gets no credentials", without_userinfo(asked))
                anonymous = True
        raise RequestError(
            without_userinfo(asked), f"{without_userinfo(asked)} redirects too often: check the server's URL"
        )

    def _send(self, url: str, headers: Mapping[str, str], identity: Identity | None, *, anonymous: bool) -> RawResponse:
        started, lines = time.monotonic(), self._lines(headers, None if anonymous else identity)
        connections = None if anonymous else self._connections(identity)
        answer: RawResponse | None = None
        try:
            if connections is None:
                answer = self._session().get(url, lines, identity, anonymous=anonymous)
            else:
                sent = self._sent(partial(connections.get, *host_and_target(url), lines), url)
                answer = sent._replace(url=without_userinfo(url))
        finally:
            log.request(without_userinfo(url), answer, started)
        if not anonymous:
            note_identity(identity_of(answer.headers, answer.certificate, answer.connection))
        return answer

    def get_on(self, connection: int, path: str) -> bytes | None:
        """GET `path` on a connection that is still open; None if it is closed."""
        identity = self._credentials.identity() if self._credentials is not None else None
        connections = self._connections(identity)
        if connections is None:
            return None
        url = self._server + path
        started, lines = time.monotonic(), self._lines({"Accept": "application/json"}, identity)
        answer = self._sent(partial(connections.get_on, connection, *host_and_target(url), lines), url)
        if answer is None:
            return None
        log.request(without_userinfo(url), answer, started)
        note_identity(identity_of(answer.headers, answer.certificate, answer.connection))
        return answer.body if answer.status == _OK else b""

    def _sent(self, send: Callable[[], T], url: str) -> T:
        try:
            return send()
        except Exception as error:
            from .error_mapping import connection_error

            # The cause has no frames: they would keep the connection alive.
            raise connection_error(without_userinfo(url), error, self._options) from error.with_traceback(None)

    def _lines(self, headers: Mapping[str, str], identity: Identity | None) -> list[tuple[str, str]]:
        if self._config is None:
            # The caller's session adds its own headers.
            return list(headers.items())
        return request_headers(headers, self._config, identity)

    def _connections(self, identity: Identity | None) -> ServerConnections | None:
        """The connections for this identity's certificate; None if there may be a proxy."""
        if identity is None or may_need_proxy_for(self._config):
            return None
        dialer = self._dialer_for(identity)
        with self._lock:
            if self._connections_made is None:
                from .connections import ServerConnections

                options = self._options
                self._connections_made = ServerConnections(
                    dialer, read_timeout=options.read_timeout, limit=options.max_document_bytes
                )
            return self._connections_made

    def _dialer_for(self, identity: Identity) -> Dialer:
        """The dialer for this identity's certificate. Raises `ConfigError` or `CredentialsError`."""
        config = self._config
        assert config is not None
        with self._lock:
            if self._dialer is None:
                from .dialer import Dialer

                self._dialer = Dialer(config.server, self._options.connect_timeout)
            shown = identity.certificate, identity.key
            if config.has_tls and self._shown != shown:
                if self._connections_made is not None:
                    self._connections_made.close()
                self._dialer.secure(self._contexts().context(*shown), config.tls_server_name)
                self._shown = shown
            return self._dialer

    def _session(self) -> ServerSession:
        """The session, created on first use."""
        with self._lock:
            if self._session_made is None:
                from .session import ServerSession

                self._session_made = ServerSession(self._given, self._config, self._contexts, self._options)
            return self._session_made

    def _contexts(self) -> TLSContexts:
        """The TLS contexts, shared by connections and session."""
        if self._tls is None:
            from .tls import TLSContexts

            assert self._config is not None
            self._tls = TLSContexts(self._config)
        return self._tls
