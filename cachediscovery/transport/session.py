"""`ServerSession`: one `requests.Session` for one API server, by all the rules of HTTP: proxies, pools, time-outs."""

from __future__ import annotations

import threading
import time
from functools import partial

import requests

from .. import log
from ..errors import InvalidDocument, RequestError
from ..lines import without_userinfo
from .adapter import ServerAdapter, hang_up, time_limit
from .document_transport import Answer
from .failures import cut_short, read_timed_out, request_error, status_error
from .line_stream import LineStream
from .proxies import proxies_for
from .server_identity import peer_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..config.client_config import ClientConfig
    from .credentials import Identity
    from .transport import TransportOptions

_CHUNK = 64 << 10
_OK = 200


class ServerSession:
    """Safe for use by several threads."""

    def __init__(
        self, session: requests.Session | None, config: ClientConfig | None, options: TransportOptions
    ) -> None:
        """A `session` of the caller's is used as it is, its TLS and its proxies; else `config` says all that."""
        self._config = config
        self._options = options
        self._lock = threading.Lock()
        self._mounted: tuple[bytes, bytes] | None = None
        self._session = session if session is not None else self._made()

    def close(self) -> None:
        self._session.close()

    def get(self, url: str, headers: Mapping[str, str], identity: Identity | None, *, at_home: bool) -> Answer:
        """One answer, whatever its status. Not `at_home` it is another host's, who is shown no identity.

        Raises `RequestError`.
        """
        started = time.monotonic()
        session = self._session if at_home else self._stranger()
        sent = self._shown(headers, identity) if at_home else headers
        try:
            with self._open(session, url, sent, self._options.read_timeout) as response:
                # Once the body is read, the connection is let go of.
                key = peer_key(_socket_of(response))
                body = self._read(response, started)
                return Answer(without_userinfo(url), response.status_code, response.headers, body, key)
        except Exception as error:
            raise self._failed(url, error, self._options.read_timeout, started) from None

    def stream(
        self, url: str, headers: Mapping[str, str], identity: Identity | None, read_timeout: float
    ) -> LineStream:
        """An answer without end; `read_timeout`, in seconds, is the longest silence in it. Raises `RequestError`."""
        started, shown = time.monotonic(), without_userinfo(url)
        try:
            response = self._open(self._session, url, self._shown(headers, identity), read_timeout)
            if response.status_code != _OK:
                with response:
                    raise status_error(shown, response.status_code, response.headers, self._read(response, started))
        except Exception as error:
            raise self._failed(url, error, read_timeout) from None
        log.info("GET %s %d, watching", shown, response.status_code)
        limit = self._options.max_document_bytes
        failed = partial(self._failed, url, read_timeout=read_timeout)
        return LineStream(response, shown, limit, failed, lambda: hang_up(_socket_of(response)))

    def _made(self) -> requests.Session:
        from .transport import user_agent

        session = requests.Session()
        # No netrc, no CA bundle of the environment: the configuration alone says who we are and whom to trust.
        session.trust_env = False
        session.headers["User-Agent"] = user_agent(requests.utils.default_user_agent())
        if self._config is not None and self._config.disable_compression:
            session.headers["Accept-Encoding"] = "identity"
        return session

    def _shown(self, headers: Mapping[str, str], identity: Identity | None) -> Mapping[str, str]:
        """The headers with the identity's, its certificate in place."""
        if identity is None:
            return headers
        self._mount(identity)
        return {**headers, "Authorization": identity.authorization} if identity.authorization else headers

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

    def _failed(self, url: str, error: Exception, read_timeout: float, started: float | None = None) -> Exception:
        """Our error for what a request raised; what is no failure of the network is a mistake, and stays what it is."""
        if isinstance(error, RequestError) or not _is_network_error(error):
            return error
        overdue = started is not None and time.monotonic() - started >= read_timeout
        if overdue or isinstance(error, TimeoutError):
            return read_timed_out(without_userinfo(url), read_timeout)
        return request_error(without_userinfo(url), error, self._options.connect_timeout, read_timeout)

    def _read(self, response: requests.Response, started: float) -> bytes:
        """The whole body, within bounds: a time-out of the socket alone would let a slow drip go on for ever."""
        url = without_userinfo(response.url)
        limit, deadline = self._options.max_document_bytes, started + self._options.read_timeout
        raw = response.raw
        chunks = []
        size = 0
        # read1 returns what has arrived; without it (an adapter of the caller's) a chunk has to be full.
        read = raw.read1 if hasattr(raw, "read1") else raw.read
        with time_limit(_socket_of(response), deadline - time.monotonic()):
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
        session = self._made()
        if self._config is not None and self._config.has_tls:
            trust_only = self._config._replace(tls_server_name="")
            session.mount("https://", self._adapter(b"", b"", trust_only, impersonate=False))
        return session


def _socket_of(response: requests.Response) -> Any:
    """The socket that an answer comes over, None where it is not known."""
    known = getattr(response.raw, "server_socket", None)
    return known if known is not None else getattr(getattr(response.raw, "connection", None), "sock", None)


def _is_network_error(error: Exception) -> bool:
    import urllib3.exceptions

    # ValueError: what http.client and requests raise for header lines and URLs that are none.
    return isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError))


def _silence_insecure_warning() -> None:
    """The user asked for it, once for every request is not news."""
    import urllib3
    from urllib3.exceptions import InsecureRequestWarning

    urllib3.disable_warnings(InsecureRequestWarning)
