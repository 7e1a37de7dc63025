"""`ServerSession`: a `requests.Session` for requests through a proxy, streams and redirects to other hosts."""

from __future__ import annotations

import time
from functools import partial

import requests
from urllib3 import HTTPHeaderDict

from .. import _log as log
from .._cancellation import current
from .._concurrency import Lock
from ..model.errors import RequestError
from ..model.redact import without_userinfo
from .base import RawResponse
from .error_mapping import cut_short, read_timed_out, request_error, status_error, too_large
from .proxies import checked_proxies, proxies_for
from .requests_adapter import ServerAdapter
from .server_identity import fingerprint_of_peer
from .watch_stream import LineStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .._cancellation import Cancellation
    from ..config.client_config import ClientConfig
    from .credentials import Identity
    from .options import TransportOptions
    from .tls import TLSContexts

_CHUNK = 64 << 10
_OK = 200


class ServerSession:
    """Sends requests with `requests`. Safe for use by several threads."""

    def __init__(
        self,
        given: requests.Session | None,
        config: ClientConfig | None,
        tls: Callable[[], TLSContexts],
        options: TransportOptions,
    ) -> None:
        """A `given` session keeps its headers, TLS and proxies. Otherwise `config` and `tls()` define them."""
        self._given = given
        self._config = config
        self._tls = tls
        self._options = options
        self._lock = Lock()
        self._mounted: tuple[bytes, bytes] | None = None
        self._session = given if given is not None else _bare_session()
        # For other hosts: the same trusted CAs, but no credentials.
        self._anonymous: requests.Session | None = None

    def close(self) -> None:
        """Close all connections."""
        self._session.close()
        if self._anonymous is not None:
            self._anonymous.close()

    def get(
        self, url: str, headers: Sequence[tuple[str, str]], identity: Identity | None, *, anonymous: bool
    ) -> RawResponse:
        """Return one response, whatever its status. `anonymous` sends no credentials. Raises `RequestError`."""
        started = time.monotonic()
        try:
            session = self._anonymous_session() if anonymous else self._session_for(identity)
            with self._send(session, url, headers, self._options.read_timeout) as response:
                # Reading the body releases the connection, so get the certificate first.
                source = getattr(response.raw, "source", None)
                certificate = fingerprint_of_peer(source.connection) if source is not None else ""
                with current().ending(getattr(response.raw, "hang_up", _nothing)):
                    body = self._read(response, started)
                return RawResponse(without_userinfo(url), response.status_code, response.headers, body, certificate)
        except Exception as error:
            # Not chained: the errors of requests hold the request, and so its credentials.
            raise self._failed(url, error, self._options.read_timeout, started) from None

    def stream(
        self,
        url: str,
        headers: Sequence[tuple[str, str]],
        identity: Identity | None,
        read_timeout: float,
        within: Cancellation,
    ) -> LineStream:
        """Return a streaming response. `read_timeout` is its longest pause, in seconds. Raises `RequestError`.

        The stream ends when `within` or the reading thread's current cancellation is cancelled.
        """
        started, shown = time.monotonic(), without_userinfo(url)
        try:
            response = self._send(self._session_for(identity), url, headers, read_timeout)
            if response.status_code != _OK:
                with response:
                    raise status_error(shown, response.status_code, response.headers, self._read(response, started))
        except Exception as error:
            # Not chained, as in `get`.
            raise self._failed(url, error, read_timeout) from None
        log.info("GET %s %d, watching", shown, response.status_code)
        source = getattr(response.raw, "source", None)
        if source is not None:
            source.without_deadline()
        failed = partial(self._failed, url, read_timeout=read_timeout)
        return LineStream(response, shown, self._options.max_document_bytes, failed, within)

    def _session_for(self, identity: Identity | None) -> requests.Session:
        """The session, with an adapter mounted for this identity's certificate."""
        if identity is None or self._config is None:
            return self._session
        with self._lock:
            if self._mounted != (identity.certificate, identity.key):
                self._mount(self._session, self._config, identity.certificate, identity.key)
                self._mounted = (identity.certificate, identity.key)
        return self._session

    def _anonymous_session(self) -> requests.Session:
        with self._lock:
            if self._anonymous is None:
                self._anonymous = _bare_session()
                if self._config is not None and self._config.has_tls:
                    # The name is that of the API server, not of other hosts.
                    self._mount(self._anonymous, self._config._replace(tls_server_name=""), b"", b"")
            return self._anonymous

    def _mount(self, session: requests.Session, config: ClientConfig, certificate: bytes, key: bytes) -> None:
        if config.insecure_skip_tls_verify:
            _silence_insecure_warning()
        context = self._tls().context(certificate, key) if config.has_tls else None
        for scheme, tls in (("http://", None), ("https://", context)):
            name = config.tls_server_name if tls is not None else ""
            session.mount(scheme, ServerAdapter(tls, server_name=name, pool_size=self._options.pool_size))

    def _send(
        self, session: requests.Session, url: str, headers: Sequence[tuple[str, str]], read_timeout: float
    ) -> requests.Response:
        request = requests.Request("GET", url, dict(headers))
        if session is self._given:
            # Merge in the headers, cookies and auth of the caller's session.
            prepared = session.prepare_request(request)
        else:
            prepared = request.prepare()
            # Several header lines may share a name, which a dict cannot express.
            prepared.headers = HTTPHeaderDict(headers)  # type: ignore[assignment]
        more: dict[str, Any] = {}
        if self._config is not None:
            more["proxies"] = proxies_for(url, self._config.proxy_url)
        elif session is self._given:
            more = dict(session.merge_environment_settings(prepared.url, {}, True, None, None))
            more["proxies"] = checked_proxies(more["proxies"], "the proxies of the session and of the environment")
        timeout = (self._options.connect_timeout, read_timeout)
        return session.send(prepared, **{**more, "stream": True}, allow_redirects=False, timeout=timeout)

    def _failed(self, url: str, error: Exception, read_timeout: float, started: float | None = None) -> Exception:
        """Map an exception to our error. An exception that is not a network error is a bug and stays as it is."""
        if isinstance(error, RequestError) or not _is_network_error(error):
            return error
        overdue = started is not None and time.monotonic() - started >= read_timeout
        if overdue or isinstance(error, TimeoutError):
            return read_timed_out(without_userinfo(url), read_timeout)
        return request_error(without_userinfo(url), error, self._options.connect_timeout, read_timeout)

    def _read(self, response: requests.Response, started: float) -> bytes:
        """Read the whole body within the limits."""
        url = without_userinfo(response.url)
        limit, deadline = self._options.max_document_bytes, started + self._options.read_timeout
        raw = response.raw
        chunks = []
        size = 0
        # read1 returns what has arrived. Without it (the caller's own adapter) a read waits for a full chunk.
        read = raw.read1 if hasattr(raw, "read1") else raw.read
        while chunk := read(_CHUNK, decode_content=True):
            size += len(chunk)
            if size > limit:
                raise too_large(url, limit)
            if time.monotonic() > deadline:
                raise read_timed_out(url, self._options.read_timeout)
            chunks.append(chunk)
        if getattr(raw, "length_remaining", None):
            raise cut_short(url)
        return b"".join(chunks)


def _nothing() -> None:
    """Used for the caller's session, whose connections cannot be shut down. Its reads end by time-out."""


def _bare_session() -> requests.Session:
    session = requests.Session()
    # Ignore netrc and the environment's CA bundle: only the configuration defines credentials and trust.
    session.trust_env = False
    return session


def _is_network_error(error: Exception) -> bool:
    import urllib3.exceptions

    # http.client and requests raise ValueError for invalid headers and URLs.
    return isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError))


def _silence_insecure_warning() -> None:
    """Disable the warning: the user chose this, and urllib3 would repeat it for every request."""
    import urllib3
    from urllib3.exceptions import InsecureRequestWarning

    urllib3.disable_warnings(InsecureRequestWarning)
