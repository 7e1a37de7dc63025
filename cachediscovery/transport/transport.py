"""`Transport`: GET a document of one API server, whole and bounded, or raise a `RequestError`."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import requests

from .. import log
from ..errors import InvalidDocument, RequestError, StatusError
from ..lines import without_userinfo
from .document_transport import NOT_MODIFIED, Answer, DocumentTransport
from .failures import cut_short, read_timed_out, request_error, status_error
from .line_stream import LineStream
from .proxies import proxies_for
from .server_identity import peer_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..config.client_config import ClientConfig
    from .credentials import Credentials, Identity

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 32.0
MAX_DOCUMENT_BYTES = 64 << 20
_CHUNK = 64 << 10
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
    """GET requests to one API server over one connection pool. Safe for use by several threads."""

    def __init__(
        self,
        session: requests.Session,
        server: str,
        *,
        credentials: Credentials | None = None,
        config: ClientConfig | None = None,
        options: TransportOptions = TransportOptions(),
    ) -> None:
        """With `config` and `credentials` the session's TLS is set up here; without, the session is used as it is."""
        super().__init__(server)
        self._session = session
        self._credentials = credentials
        self._config = config
        self._options = options
        self._lock = threading.Lock()
        self._mounted: tuple[bytes, bytes] | None = None

    @classmethod
    def for_config(cls, config: ClientConfig, options: TransportOptions = TransportOptions()) -> Transport:
        """A transport with a session of its own."""
        from .credentials import Credentials

        session = requests.Session()
        # No netrc, no CA bundle of the environment: the configuration alone says who we are and whom to trust.
        session.trust_env = False
        session.headers["User-Agent"] = _user_agent()
        if config.disable_compression:
            session.headers["Accept-Encoding"] = "identity"
        return cls(session, config.server, credentials=Credentials(config), config=config, options=options)

    def close(self) -> None:
        self._session.close()

    def ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Retries what the server asks to retry, follows redirects, and gets new credentials after a 401."""
        waited = 0.0
        renewed = False
        for attempt in range(1, _MAX_RETRIES + 2):
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
                if pause is None or attempt > _MAX_RETRIES or waited + pause > _MAX_RETRY_SECONDS:
                    raise
                log.info("%s answered %d, waiting %g s as it asks", url, error.code, pause)
                waited += pause
                time.sleep(pause)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def stream(self, path: str, *, accept: str, read_timeout: float) -> LineStream:
        """GET `path`, whose answer has no end; `read_timeout`, in seconds, is the longest silence in it.

        Raises `StatusError` for any status but 200, else another `RequestError`.
        """
        identity = self._credentials.identity() if self._credentials is not None else None
        try:
            return self._stream(path, accept, read_timeout, identity)
        except StatusError as error:
            if error.code != 401 or identity is None or self._credentials is None:
                raise
            if not self._credentials.renew(identity):
                raise
        return self._stream(path, accept, read_timeout, self._credentials.identity())

    def _stream(self, path: str, accept: str, read_timeout: float, identity: Identity | None) -> LineStream:
        url = self._server + path
        headers = {"Accept": accept}
        if identity is not None:
            self._mount(identity)
            if identity.authorization:
                headers["Authorization"] = identity.authorization
        started = time.monotonic()
        try:
            response = self._open(self._session, url, headers, read_timeout)
            if response.status_code != _OK:
                with response:
                    raise status_error(
                        without_userinfo(url), response.status_code, response.headers, self._read(response, started)
                    )
        except Exception as error:
            raise self._failed(url, error, read_timeout) from None
        log.info("GET %s %d, watching", without_userinfo(url), response.status_code)
        limit = self._options.max_document_bytes
        return LineStream(response, without_userinfo(url), limit, lambda error: self._failed(url, error, read_timeout))

    def _open(
        self, session: requests.Session, url: str, headers: Mapping[str, str], read_timeout: float
    ) -> requests.Response:
        return session.get(
            url,
            headers=headers,
            stream=True,
            allow_redirects=False,
            timeout=(self._options.connect_timeout, read_timeout),
            proxies=proxies_for(url, self._config.proxy_url) if self._config is not None else None,
        )

    def _failed(self, url: str, error: Exception, read_timeout: float) -> Exception:
        """Our error for what a request raised; what is no failure of the network is a mistake, and stays what it is."""
        if isinstance(error, RequestError) or not _is_network_error(error):
            return error
        return request_error(without_userinfo(url), error, self._options.connect_timeout, read_timeout)

    def _get(self, url: str, headers: Mapping[str, str], identity: Identity | None) -> Answer:
        """Follow redirects: within the server with the credentials, to elsewhere without any."""
        if identity is not None:
            self._mount(identity)
        session, at_home = self._session, True
        asked = url
        for _ in range(_MAX_REDIRECTS + 1):
            sent = dict(headers)
            if at_home and identity is not None and identity.authorization:
                sent["Authorization"] = identity.authorization
            response = self._send(session, url, sent)
            location = response.headers.get("Location", "")
            if response.status not in _REDIRECTS or not location:
                if response.status in (_OK, NOT_MODIFIED):
                    return response
                raise status_error(without_userinfo(url), response.status, response.headers, response.body)
            url = urljoin(url, location)
            if urlsplit(url).scheme not in ("http", "https"):
                raise RequestError(
                    without_userinfo(asked), f"{without_userinfo(asked)} redirects to something that is not HTTP"
                )
            if at_home and not _same_origin(asked, url):
                log.info("%s redirects to another host, which gets no credentials", without_userinfo(asked))
                at_home = False
                session = self._stranger()
        raise RequestError(
            without_userinfo(asked), f"{without_userinfo(asked)} redirects without end: check the server's URL"
        )

    def _send(self, session: requests.Session, url: str, headers: Mapping[str, str]) -> Answer:
        started = time.monotonic()
        try:
            with self._open(session, url, headers, self._options.read_timeout) as response:
                # Once the body is read, the connection is let go of.
                key = peer_key(getattr(response.raw, "connection", None))
                body = self._read(response, started)
                answered = Answer(without_userinfo(url), response.status_code, response.headers, body, key)
        except Exception as error:
            raise self._failed(url, error, self._options.read_timeout) from None
        seconds = time.monotonic() - started
        log.info("GET %s %d in %d ms, %d bytes", answered.url, answered.status, seconds * 1000, len(body))
        return answered

    def _read(self, response: requests.Response, started: float) -> bytes:
        """The whole body, within bounds: a time-out of the socket alone would let a slow drip go on for ever."""
        url = without_userinfo(response.url)
        limit, deadline = self._options.max_document_bytes, started + self._options.read_timeout
        raw = response.raw
        chunks = []
        size = 0
        # read1 returns what has arrived; without it (an adapter of the caller's) a chunk has to be full.
        read = raw.read1 if hasattr(raw, "read1") else raw.read
        while chunk := read(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > limit:
                raise InvalidDocument(
                    url, f"the answer of {url} is larger than {limit} bytes: raise max_document_bytes"
                )
            if time.monotonic() > deadline:
                raise read_timed_out(url, self._options.read_timeout)
            chunks.append(chunk)
        if getattr(raw, "length_remaining", None):
            raise cut_short(url)
        return b"".join(chunks)

    def _mount(self, identity: Identity) -> None:
        """Put the adapter with this identity's certificate in place, if it is not there yet."""
        with self._lock:
            if self._mounted == (identity.certificate, identity.key):
                return
            assert self._config is not None
            self._session.mount("http://", self._adapter(b"", b"", self._config))
            if self._config.has_tls:
                self._session.mount("https://", self._adapter(identity.certificate, identity.key, self._config))
            self._mounted = (identity.certificate, identity.key)

    def _adapter(
        self, certificate: bytes, key: bytes, config: ClientConfig, *, impersonate: bool = True
    ) -> requests.adapters.HTTPAdapter:
        from .adapter import ServerAdapter
        from .impersonation import impersonation_headers
        from .tls import ssl_context

        if config.insecure_skip_tls_verify:
            _silence_insecure_warning()
        return ServerAdapter(
            ssl_context(config, certificate, key) if config.has_tls else None,
            server_name=config.tls_server_name,
            pool_size=self._options.pool_size,
            header_seconds=max(self._options.read_timeout, self._options.connect_timeout),
            extra_headers=impersonation_headers(config.impersonation) if impersonate else (),
        )

    def _stranger(self) -> requests.Session:
        """A session for another host: the same trust, no credentials of any kind."""
        session = requests.Session()
        session.trust_env = False
        session.headers["User-Agent"] = _user_agent()
        if self._config is not None and self._config.has_tls:
            trust_only = self._config._replace(tls_server_name="")
            session.mount("https://", self._adapter(b"", b"", trust_only, impersonate=False))
        return session


def _same_origin(one: str, other: str) -> bool:
    def origin(url: str) -> tuple[str, str | None, int | None]:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)

    return origin(one) == origin(other)


def _is_network_error(error: Exception) -> bool:
    import urllib3.exceptions

    # ValueError: what http.client and requests raise for header lines and URLs that are none.
    return isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError))


def _silence_insecure_warning() -> None:
    """The user asked for it, once for every request is not news."""
    import urllib3
    from urllib3.exceptions import InsecureRequestWarning

    urllib3.disable_warnings(InsecureRequestWarning)


def _user_agent() -> str:
    from ..version import VERSION

    return f"cachediscovery/{VERSION} {requests.utils.default_user_agent()}"
