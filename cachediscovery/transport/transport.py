"""`Transport`: GET a document of one API server, whole and bounded, or raise a `RequestError`."""

from __future__ import annotations

import threading
import time

from .. import log
from ..errors import RequestError, StatusError
from ..lines import without_userinfo
from ..records import NamedTuple
from .answer_reader import OverdueError
from .direct import ConnectTimeoutError, DirectConnections
from .document_transport import NOT_MODIFIED, Answer, DocumentTransport
from .failures import connect_timed_out, read_timed_out, status_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    import requests

    from ..config.client_config import ClientConfig
    from .credentials import Credentials, Identity
    from .line_stream import LineStream
    from .session import ServerSession

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 32.0
MAX_DOCUMENT_BYTES = 64 << 20
_MAX_REDIRECTS = 5
# An overloaded server is asked this often, and waited for this long in all, before the user is told.
_MAX_RETRIES = 4
_MAX_RETRY_SECONDS = 20.0
_OK = 200
_REDIRECTS = (301, 302, 303, 307, 308)


class TransportOptions(NamedTuple):
    """Bounds of a `Transport`: time-outs in seconds, the largest document in (decompressed) bytes, open connections."""

    connect_timeout: float = CONNECT_TIMEOUT
    read_timeout: float = READ_TIMEOUT
    max_document_bytes: int = MAX_DOCUMENT_BYTES
    pool_size: int = 96


class Transport(DocumentTransport):
    """GET requests to one API server over one `requests.Session`. Safe for use by several threads.

    What is plain goes over `DirectConnections`, so that the session, and `requests`, are only made when needed.
    """

    def __init__(
        self,
        session: requests.Session | None,
        server: str,
        *,
        credentials: Credentials | None = None,
        config: ClientConfig | None = None,
        options: TransportOptions = TransportOptions(),
    ) -> None:
        """A `session` is used as it is; without one, `config` and `credentials` say how to make one."""
        super().__init__(server)
        self._given = session
        self._credentials = credentials
        self._config = config
        self._options = options
        self._lock = threading.Lock()
        self._session_made: ServerSession | None = None
        # For the identity that was shown last; None where the way to the server is not plain.
        self._direct: DirectConnections | None = None
        self._direct_identity: Identity | None = None

    @classmethod
    def for_config(cls, config: ClientConfig, options: TransportOptions = TransportOptions()) -> Transport:
        """A transport with a session of its own."""
        from .credentials import Credentials

        return cls(None, config.server, credentials=Credentials(config), config=config, options=options)

    def close(self) -> None:
        with self._lock:
            made, direct = self._session_made, self._direct
            self._direct_identity = None
        if made is not None:
            made.close()
        if direct is not None:
            direct.close()

    def ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Retries what the server asks to retry, follows redirects, and gets new credentials after a 401."""
        waited, retries, renewed = 0.0, 0, False
        while True:
            identity = self._credentials.identity() if self._credentials is not None else None
            try:
                return self._get(url, headers, identity)
            except StatusError as error:
                if error.code == 401 and identity is not None and not renewed:
                    assert self._credentials is not None
                    renewed = True
                    if self._credentials.renew(identity):
                        continue
                pause = error.retry_after if error.code == 429 or error.code >= 500 else None
                if pause is None or retries >= _MAX_RETRIES or waited + pause > _MAX_RETRY_SECONDS:
                    raise
                log.info("%s answered %d, waiting %g s as it asks", without_userinfo(url), error.code, pause)
                waited, retries = waited + pause, retries + 1
                time.sleep(pause)

    def stream(self, path: str, *, accept: str, read_timeout: float) -> LineStream:
        """GET `path`, whose answer has no end; `read_timeout`, in seconds, is the longest silence in it.

        Raises `StatusError` for any status but 200, else another `RequestError`.
        """
        url, headers = self._server + path, {"Accept": accept}
        identity = self._credentials.identity() if self._credentials is not None else None
        try:
            return self._session().stream(url, headers, identity, read_timeout)
        except StatusError as error:
            if error.code != 401 or identity is None or self._credentials is None:
                raise
            if not self._credentials.renew(identity):
                raise
        return self._session().stream(url, headers, self._credentials.identity(), read_timeout)

    def _get(self, url: str, headers: Mapping[str, str], identity: Identity | None) -> Answer:
        """Follow redirects: within the server with the credentials, to elsewhere without any."""
        at_home, asked = True, url
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._send(url, headers, identity, at_home=at_home)
            location = response.headers.get("Location", "")
            if response.status not in _REDIRECTS or not location:
                if response.status in (_OK, NOT_MODIFIED):
                    return response
                raise status_error(without_userinfo(url), response.status, response.headers, response.body)
            from urllib.parse import urljoin, urlsplit

            url = urljoin(url, location)
            if urlsplit(url).scheme not in ("http", "https"):
                raise RequestError(
                    without_userinfo(asked), f"{without_userinfo(asked)} redirects to something that is not HTTP"
                )
            if at_home and not _same_origin(asked, url):
                log.info("%s redirects to another host, which gets no credentials", without_userinfo(asked))
                at_home = False
        raise RequestError(
            without_userinfo(asked), f"{without_userinfo(asked)} redirects without end: check the server's URL"
        )

    def _send(self, url: str, headers: Mapping[str, str], identity: Identity | None, *, at_home: bool) -> Answer:
        started = time.monotonic()
        answer = self._send_directly(url, headers, identity) if at_home else None
        if answer is None:
            answer = self._session().get(url, headers, identity, at_home=at_home)
        seconds, size = time.monotonic() - started, len(answer.body)
        log.info("GET %s %d in %d ms, %d bytes", answer.url, answer.status, seconds * 1000, size)
        return answer

    def _send_directly(self, url: str, headers: Mapping[str, str], identity: Identity | None) -> Answer | None:
        """The answer where all is plain, else None."""
        config = self._config
        if config is None or identity is None:
            return None
        direct = self._connections(config, identity)
        if direct is None:
            return None
        from .impersonation import impersonation_headers

        sent = [
            ("User-Agent", user_agent()),
            ("Accept-Encoding", "identity" if config.disable_compression else "gzip"),
            *headers.items(),
            *([("Authorization", identity.authorization)] if identity.authorization else []),
            *impersonation_headers(config.impersonation),
        ]
        try:
            return direct.get(url, sent)
        except ConnectTimeoutError:
            raise connect_timed_out(without_userinfo(url), self._options.connect_timeout) from None
        except OverdueError:
            raise read_timed_out(without_userinfo(url), self._options.read_timeout) from None

    def _connections(self, config: ClientConfig, identity: Identity) -> DirectConnections | None:
        with self._lock:
            if identity != self._direct_identity:
                if self._direct is not None:
                    self._direct.close()
                self._direct = direct_connections(config, identity, self._options)
                self._direct_identity = identity
            return self._direct

    def _session(self) -> ServerSession:
        """The session, made when it is first needed."""
        with self._lock:
            if self._session_made is None:
                from .session import ServerSession

                self._session_made = ServerSession(self._given, self._config, self._options)
            return self._session_made


def direct_connections(config: ClientConfig, identity: Identity, options: TransportOptions) -> DirectConnections | None:
    """Connections for what is plain, or None where a proxy may be in between."""
    from .proxies import may_need_proxy

    if config.proxy_url or may_need_proxy(config.server):
        return None

    def context() -> ssl.SSLContext:
        from .tls import ssl_context

        return ssl_context(config, identity.certificate, identity.key)

    try:
        return DirectConnections(
            config.server,
            context=context if config.has_tls else None,
            server_name=config.tls_server_name,
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            limit=options.max_document_bytes,
        )
    except ValueError:
        return None


def user_agent(library: str = "") -> str:
    """Who asks; `library` is what asks for it."""
    from ..version import VERSION

    return f"cachediscovery/{VERSION} {library}".rstrip()


def _same_origin(one: str, other: str) -> bool:
    from urllib.parse import urlsplit

    def origin(url: str) -> tuple[str, str | None, int | None]:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)

    return origin(one) == origin(other)
