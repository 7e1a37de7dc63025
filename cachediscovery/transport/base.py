"""`DocumentTransport`: GET a document, with a conditional request if an earlier response is stored.

Subclasses choose what sends the request: `http.client`, `requests`, or another client's connection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..model.aggregated import NO_PEER
from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    from .http_store import HTTPStore

    T = TypeVar("T")

NOT_MODIFIED = 304
_OK = 200


class DocumentResponse(NamedTuple):
    """A complete response. If `stored` is true, the server answered 304 and `body` is the stored body."""

    url: str
    content_type: str
    body: bytes
    stored: bool = False
    etag: str = ""


class Headers(dict[str, str]):
    """Response headers, looked up in any letter case. If a name repeats, the first value wins."""

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        super().__init__((name.lower(), value) for name, value in reversed(list(headers)))

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        """Return the value of a header, in any letter case; `default` if it is missing."""
        return super().get(name.lower(), default)


class RawResponse(NamedTuple):
    """A response as received. `headers` ignores letter case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    # SHA-256 of the server's certificate; "" without TLS.
    certificate: str = ""
    # The number of the connection; None if connections cannot be told apart.
    connection: int | None = None


class DocumentTransport(ABC):
    """GET requests to one API server."""

    def __init__(self, server: str) -> None:
        self._server = server.rstrip("/")
        # If set, its responses are revalidated with conditional requests (RFC 9110, 13.1.2).
        self.responses: HTTPStore | None = None

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._server

    @abstractmethod
    def ask(self, url: str, headers: Mapping[str, str]) -> RawResponse:
        """GET `url`, return the response whatever its status, and call `note_identity` for its sender.

        Raises `RequestError` if there is no complete response.
        """

    def get(
        self, path: str, *, accept: str = "application/json", conditional: bool = True, etag: str = ""
    ) -> DocumentResponse:
        """GET `path`, which is relative to the server's URL and begins with a slash, or a URL on the server's host.

        `conditional=False` ignores the stored response. If `etag` is that of the server's document, the response has no
        body, and `stored` is true. Raises `StatusError` for any status except 200
        (and 304 for a stored response), or another `RequestError`.
        """
        url = self._server + path if path.startswith("/") else path
        # Stored responses are found by their URL: those of a profile are others.
        store = self.responses if NO_PEER not in accept else None
        stored = store.load(url) if store is not None and conditional else None
        known = stored.etag if stored is not None else etag
        answer = self.ask(url, {"Accept": accept, **({"If-None-Match": known} if known else {})})
        if answer.status == NOT_MODIFIED and stored is not None:
            return DocumentResponse(answer.url, stored.content_type, stored.body, stored=True)
        if answer.status == NOT_MODIFIED and etag:
            return DocumentResponse(answer.url, "", b"", stored=True, etag=etag)
        if answer.status != _OK:
            from .error_mapping import status_error

            raise status_error(answer.url, answer.status, answer.headers, answer.body)
        etag = answer.headers.get("ETag", "")
        response = DocumentResponse(answer.url, answer.headers.get("Content-Type", ""), answer.body, etag=etag)
        if store is not None and etag:
            from .http_store import StoredResponse

            store.save(url, StoredResponse(etag, response.content_type, response.body))
        return response

    def get_on(self, connection: int, path: str) -> bytes | None:  # noqa: ARG002 - subclasses use it
        """GET `path` on the connection with that number and return the body; None if that is impossible.

        Raises `RequestError`.
        """
        return None

    def connect_ahead(self) -> None:  # noqa: B027 - optional for subclasses
        """Start connecting, in threads. The request that needs the connection raises the error, if any."""

    def run_with_credentials(self, call: Callable[[], T]) -> T:
        """Return the result of `call`, within which no exec plugin runs: the credentials are got before.

        If they expire or are refused within it, `call` is given up, and called once more with new ones. Raises
        `CredentialsError` or `ConfigError`.
        """
        return call()

    def reconnect(self) -> None:  # noqa: B027 - another client's connections stay open
        """Use new connections for requests that start after this call. Running requests continue."""

    def close(self) -> None:  # noqa: B027 - another client's connections stay open
        """Close the connections. The transport may be used again."""
