"""OpenAPI v3 documents, one for each group version (KEP-2896; client-go's `openapi` package)."""

from __future__ import annotations

from ..model.documents import parse_object
from ..model.errors import InvalidDocument, NotFound
from ..model.fields import MalformedDocument, get_object, get_str
from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..transport.base import DocumentResponse


class OpenAPIV3GroupVersion(NamedTuple):
    """The document of one group version, fetched by `schema`. `server_relative_url` changes with the document."""

    path: str
    server_relative_url: str
    get: Callable[[str], DocumentResponse]

    def schema(self) -> dict[str, Any]:
        """Fetch the document. Raises `DiscoveryError`."""
        return _object(self.get(self.server_relative_url))


class OpenAPIV3:
    """The OpenAPI v3 documents of a server."""

    def __init__(self, get: Callable[[str], DocumentResponse]) -> None:
        self._get = get

    def paths(self) -> dict[str, OpenAPIV3GroupVersion]:
        """The documents by path (`apis/apps/v1`, `api/v1`, `version` …). Raises `DiscoveryError`.

        Empty if the server has no OpenAPI v3.
        """
        try:
            response = self._get("/openapi/v3")
        except NotFound:
            return {}
        try:
            entries = get_object(_object(response), "paths")
            urls = {path: get_str(get_object(entries, path), "serverRelativeURL") for path in entries}
        except MalformedDocument as error:
            raise InvalidDocument(
                response.url, f"{response.url} answered with a malformed OpenAPI index: {error}"
            ) from error
        # Any other URL could send the credentials to another host.
        return {
            path: OpenAPIV3GroupVersion(path, url, self._get)
            for path, url in urls.items()
            if url.startswith("/") and not url.startswith("//")
        }


def _object(response: DocumentResponse) -> dict[str, Any]:
    try:
        return parse_object(response.body)
    except MalformedDocument as error:
        raise InvalidDocument(response.url, f"{response.url} answered with something that is {error}") from error
