"""A transport over another client's connection, with its TLS, credentials and retries."""

from __future__ import annotations

from ..cache.cached_client import CachedDiscoveryClient
from ..cache.options import CacheOptions
from ..config.cluster import Cluster
from ..config.trust_fingerprint import fingerprint_of_certificates
from ..discovery.client import DiscoveryClient
from ..disk.document_store import open_store
from ..model.errors import DiscoveryError, InvalidDocument
from ..model.fields import MalformedDocument
from ..transport.base import DocumentTransport, Headers, RawResponse
from ..transport.error_mapping import request_error, status_error
from ..transport.http_store import HTTPStore
from ..transport.options import TransportOptions
from ..transport.redirects import MAX_REDIRECTS, REDIRECTS, redirected
from ..transport.server_identity import identity_of, note_identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    # (path, headers) -> (status, headers, body)
    Ask = Callable[[str, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]


_FIRST_ERROR = 400
_MAX_BYTES = TransportOptions().max_document_bytes


class BorrowedTransport(DocumentTransport):
    """Sends GET requests with `ask(path, headers)`.

    `ask` returns status, headers (in any letter case) and body. An exception that it raises becomes the
    `__cause__` of a `RequestError`.
    """

    def __init__(self, server: str, ask: Ask) -> None:
        super().__init__(server)
        self._borrowed = ask

    def ask(self, url: str, headers: Mapping[str, str]) -> RawResponse:
        """GET `url` with the other client. Follow the redirects on the same host that it does not follow itself."""
        for _ in range(MAX_REDIRECTS):
            answer = self._ask(url, headers)
            location = answer.headers.get("Location", "") if answer.status in REDIRECTS else ""
            target = redirected(url, location) if location else ""
            # The other client puts its server's URL before each path.
            if not target.startswith(f"{self._server}/"):
                break
            url = target
        return answer

    def _ask(self, url: str, headers: Mapping[str, str]) -> RawResponse:
        # Only the path of a URL outside of the server's path, which the other client cannot ask for.
        path = url.removeprefix(self._server) if url.startswith(self._server) else f"/{url.split('/', 3)[3]}"
        try:
            status, found, body = self._borrowed(path, headers)
        except DiscoveryError:
            raise
        except Exception as error:
            code = getattr(error, "status", None)
            if isinstance(code, int) and code >= _FIRST_ERROR:
                # The other client raises error responses as exceptions.
                headers = Headers((getattr(error, "headers", None) or {}).items())
                note_identity(identity_of(headers))
                body = getattr(error, "body", None) or b""
                text = body.encode("utf-8", "replace") if isinstance(body, str) else body
                raise status_error(url, code, headers, text) from error
            # The other client's own time-outs apply, and they are unknown here.
            raise request_error(url, error) from error
        if len(body) > _MAX_BYTES:
            raise InvalidDocument(url, f"the answer of {url} is larger than {_MAX_BYTES} bytes: is this an API server?")
        answer = RawResponse(url, status, Headers(found.items()), body)
        note_identity(identity_of(answer.headers))
        return answer


def discovery_by(
    transport: BorrowedTransport,
    server: str,
    cache: CacheOptions | None = None,
    *,
    revalidate: Callable[[], None] | None = None,
    ca_file: object = "",
    ca_data: str | bytes = b"",
    tls_server_name: object = "",
) -> CachedDiscoveryClient:
    """Create a cached discovery client that sends requests with `transport` and uses kubectl's cache.

    `revalidate` is that of `CachedDiscoveryClient`. `ca_file`, `ca_data` and `tls_server_name` are the other client's
    TLS settings, if known.
    """
    cache = CacheOptions.merged(cache, {})
    data = ca_data.encode() if isinstance(ca_data, str) else ca_data
    trust_fingerprint = fingerprint_of_certificates(str(ca_file or ""), data, str(tls_server_name or ""))
    store = open_store(Cluster(server, trust_fingerprint), cache.cache_dir)
    if store is not None:
        transport.responses = HTTPStore(store.root)
    client = DiscoveryClient(transport, server)
    return CachedDiscoveryClient(client, store, cache._replace(cache_dir=None), revalidate=revalidate)


def discovery_for_configuration(
    transport: BorrowedTransport, configuration: Any, cache: CacheOptions
) -> CachedDiscoveryClient:
    """`discovery_by` for the `Configuration` of a client that OpenAPI Generator made, such as `kubernetes`."""
    is_verified = configuration.verify_ssl
    return discovery_by(
        transport,
        configuration.host,
        cache,
        ca_file=configuration.ssl_ca_cert if is_verified else "",
        # Only kubernetes.aio has it.
        ca_data=(getattr(configuration, "ca_cert_data", None) or b"") if is_verified else b"",
        tls_server_name=getattr(configuration, "tls_server_name", "") if is_verified else "",
    )


def original_error(error: DiscoveryError) -> BaseException:
    """Return the other client's exception that caused `error`, which its users expect; `error` if there is none.

    Callers raise it `from None`: `error`, which it caused, cannot be its cause.
    """
    cause = error.__cause__
    if isinstance(cause, DiscoveryError):
        return original_error(cause)
    # A response that is no document is an error of ours, caused by another of ours.
    return error if cause is None or isinstance(cause, MalformedDocument) else cause
