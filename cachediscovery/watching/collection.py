"""`CollectionWatch`: watch one collection of objects (KEP-365, KEP-956: list once, watch, bookmarks)."""

from __future__ import annotations

import json

from ..model.documents import parse_object
from ..model.errors import InvalidDocument, StatusError
from ..model.fields import MalformedDocument, get_object, get_str
from ..model.redact import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..transport.streaming import StreamingTransport
    from ..transport.watch_stream import LineStream

# Only the fact of a change matters: metadata is enough, and is a hundredth of the size.
_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_WATCH = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
# The server ends the watch after this long, and sends a bookmark about once a minute.
_WATCH_SECONDS = 300
# A connection without data for longer than the bookmark interval counts as dead.
_SILENCE_SECONDS = 100.0
GONE = 410


class CollectionWatch:
    """Watches one collection from where the last watch ended. For use by one thread."""

    def __init__(self, transport: StreamingTransport, path: str) -> None:
        """`path` is the collection's path from the server's root."""
        self.path = path
        self._transport = transport
        self._resource_version = ""

    def follow(self, begun: Callable[[bool], None], changed: Callable[[str], None]) -> None:
        """Watch until the server ends the watch. Call `changed(name)` for each change of an object.

        `begun(missed)` is called when the watch is open; `missed` tells that earlier changes may have been missed.
        Raises `RequestError`; the next call then lists again.
        """
        missed = not self._resource_version
        try:
            if missed:
                self._resource_version = self._list()
            stream = self._open()
            try:
                begun(missed)
                for line in stream:
                    self._take(line, changed)
            finally:
                stream.close()
        except BaseException:
            # The next response may come from another server or cluster, where this version means something else.
            self._resource_version = ""
            raise

    def _list(self) -> str:
        # The version is that of the collection, so a limit of one object is enough.
        response = self._transport.get(f"{self.path}?limit=1", accept=_LIST)
        try:
            version = get_str(get_object(parse_object(response.body), "metadata"), "resourceVersion")
        except MalformedDocument as error:
            raise InvalidDocument(response.url, f"{response.url} sent an invalid list: {one_line(error)}") from error
        if not version.isalnum() or not version.isascii():
            raise InvalidDocument(response.url, f"{response.url} answered with a list without resourceVersion")
        return version

    def _open(self) -> LineStream:
        query = f"watch=1&allowWatchBookmarks=true&timeoutSeconds={_WATCH_SECONDS}"
        path = f"{self.path}?{query}&resourceVersion={self._resource_version}"
        return self._transport.stream(path, accept=_WATCH, read_timeout=_SILENCE_SECONDS)

    def _take(self, line: bytes, changed: Callable[[str], None]) -> None:
        url = self._transport.server + self.path
        try:
            event = parse_object(line)
            kind, found = get_str(event, "type"), get_object(event, "object")
            if not kind:
                raise MalformedDocument("an event without a type")
            if kind == "ERROR":
                raise _status_error(url, found)
            metadata = get_object(found, "metadata")
            version = get_str(metadata, "resourceVersion")
            if version.isalnum() and version.isascii():
                self._resource_version = version
            if kind != "BOOKMARK":
                changed(get_str(metadata, "name"))
        except MalformedDocument as error:
            raise InvalidDocument(url, f"{url} sent an invalid event: {one_line(error)}") from error


def _status_error(url: str, status: dict[str, Any]) -> StatusError:
    from ..transport.error_mapping import status_error

    code = status.get("code")
    body = json.dumps({**status, "kind": "Status"}).encode()
    return status_error(url, code if isinstance(code, int) else GONE, {}, body)
