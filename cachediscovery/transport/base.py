"""`DocumentTransport`: GET a document, conditionally where an earlier response of it was kept.

What carries the request is for the classes below it to say: `requests`, or another client's own connection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .http_store import HTTPStore

NOT_MODIFIED = 304
_OK = 200


class DocumentResponse(NamedTuple):
    """A whole response. `stored` tells that the server answered 304: the body is the stored one, and still holds."""

    url: str
    content_type: str
    body: bytes
    stored: bool = False


class Headers(dict[str, str]):
    """The headers of an answer, in any letter case; of several with one name the first."""

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        super().__init__((name.lower(), value) for name, value in reversed(list(headers)))

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        """The value of a header, whatever the case of its name; `default` if it is missing."""
        return super().get(name.lower(), default)


class RawResponse(NamedTuple):
    """What came over the wire. `headers` ignores letter case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    # A fingerprint of the certificate that the server has shown, "" where it has shown none.
    certificate: str = ""
    # The number of the connection that it came on, None where connections cannot be told apart.
    connection: int | None = None


class DocumentTransport(ABC):
    """GET requests to one API server."""

    def __init__(self, server: str) -> None:
        self._server = server.rstrip("/")
        # Where this is set, what it holds is asked for conditionally (RFC 9110, 13.1.2).
        self.responses: HTTPStore | None = None

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._server

    @abstractmethod
    def ask(self, url: str, headers: Mapping[str, str]) -> RawResponse:
        """GET `url`, whatever status it may have, and `note_identity` of who answers.

        Raises `RequestError` where there is no whole answer.
        """

    def get(self, path: str, *, accept: str = "application/json", conditional: bool = True) -> DocumentResponse:
        """GET `path` (from the server's root, beginning with a slash).

        `conditional=False` makes no use of a stored response. Raises `StatusError` for any status but
        200 (and 304 for a stored response), else another `RequestError`.
        """
        url = self._server + path
        store = self.responses
        stored = store.load(url) if store is not None and conditional else None
        answer = self.ask(url, {"Accept": accept, **({"If-None-Match": stored.etag} if stored is not None else {})})
        if answer.status == NOT_MODIFIED and stored is not None:
            return DocumentResponse(answer.url, stored.content_type, stored.body, stored=True)
        if answer.status != _OK:
            from .error_mapping import status_error

            raise status_error(answer.url, answer.status, answer.headers, answer.body)
        response = DocumentResponse(answer.url, answer.headers.get("Content-Type", ""), answer.body)
        etag = answer.headers.get("ETag", "")
        if store is not None and etag:
            from .http_store import StoredResponse

            store.save(url, StoredResponse(etag, response.content_type, response.body))
        return response

    def get_on(self, connection: int, path: str) -> bytes | None:  # noqa: ARG002 - for others to say
        """The body of `path`, asked for on the connection with that number; None where that cannot be done.

        Raises `RequestError`.
        """
        return None

    def connect_ahead(self) -> None:  # noqa: B027 - others have nothing to begin
        """Begin to connect, in threads. An error is raised by the request that needs the connection."""

    def prepare(self) -> None:  # noqa: B027 - others have nothing to prepare
        """Get the credentials, for which a plugin may have to run. Raises `CredentialsError` or `ConfigError`."""

    def reconnect(self) -> None:  # noqa: B027 - a connection of another client is not ours to close
        """Make the requests that begin from now on on new connections; those under way are not disturbed."""

    def close(self) -> None:  # noqa: B027 - a connection of another client is not ours to close
        """Close the connections. The transport may be used again."""
