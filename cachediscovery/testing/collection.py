"""`Collection`: lists and watches of the objects at one path, as a Kubernetes API server answers them."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Any, NamedTuple

from .failure import status_object
from .object_log import CompactedError, ObjectLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_WATCH_SECONDS = 1800.0
# A server sends a bookmark this long before it ends a watch.
_LAST_BOOKMARK_SECONDS = 2.0
_METADATA_ONLY = ("as=PartialObjectMetadata;", "as=PartialObjectMetadataList;")
_INITIAL_EVENTS_END = {"annotations": {"k8s.io/initial-events-end": "true"}}


class ObjectAnswer(NamedTuple):
    """A status code with a document, or with the events of a watch."""

    status: int
    document: dict[str, Any]
    events: Iterator[dict[str, Any]] | None = None


class Collection:
    """The objects of one kind in an `ObjectLog`. Answers GET requests for all of them, or for one."""

    def __init__(self, log: ObjectLog, path: str, kind: str) -> None:
        """`path` is `/apis/<group>/<version>/<plural>`; the collection is cluster-scoped."""
        _, _, group, version, plural = path.split("/")
        self.path = path
        self.kind = kind
        self.api_version: str = f"{group}/{version}"
        # The seconds between two bookmarks.
        self.bookmark_seconds: float = 60.0
        # Whether a watch from a version that is too old gets a status, in place of an event.
        self.refuses_old_versions = False
        self._resource = f"{plural}.{group}"
        self._log = log

    def answer(self, name: str, query: Mapping[str, str], accept: str) -> ObjectAnswer:
        """The answer to a GET of the object `name`, or of the collection if it is ""."""
        partial = any(part in f"{accept.replace(' ', '')};" for part in _METADATA_ONLY)
        if name:
            found = self._log.get(self.path, name)
            if found is None:
                return _refusal(404, f'{self._resource} "{name}" not found')
            return ObjectAnswer(200, self._shown(found, partial))
        try:
            _check_selectors(query)
            if query.get("watch") in ("1", "true"):
                return self._watch(query, partial)
            return ObjectAnswer(200, self._list(query, partial))
        except CompactedError as error:
            return _refusal(410, str(error))
        except ValueError as error:
            return _refusal(400, str(error))

    def _list(self, query: Mapping[str, str], partial: bool) -> dict[str, Any]:
        revision, objects = self._log.list_objects(self.path)
        objects = [found for found in objects if _is_selected(found, query)]
        listed = {"resourceVersion": str(revision)}
        limit, token = int(query.get("limit") or 0), query.get("continue", "")
        if token:
            at, _, after = _decoded(token).partition(" ")
            self._log.check(int(at))
            objects = [found for found in objects if found["metadata"]["name"] > after]
        if limit and len(objects) > limit:
            listed["continue"] = _encoded(f"{revision} {objects[limit - 1]['metadata']['name']}")
        kind, api_version = ("PartialObjectMetadata", "meta.k8s.io/v1") if partial else (self.kind, self.api_version)
        items = [self._shown(found, partial) for found in objects[: limit or None]]
        left = {"remainingItemCount": len(objects) - limit} if "continue" in listed else {}
        return {"kind": f"{kind}List", "apiVersion": api_version, "metadata": {**listed, **left}, "items": items}

    def _watch(self, query: Mapping[str, str], partial: bool) -> ObjectAnswer:
        text = query.get("resourceVersion") or "0"
        if not text.isdecimal():
            return _refusal(500, f'resourceVersion: Invalid value: "{text}": invalid syntax')
        if int(text) and self.refuses_old_versions:
            self._log.check(int(text))
        seconds = float(query.get("timeoutSeconds") or 0) or _WATCH_SECONDS
        return ObjectAnswer(200, {}, self._events(int(text), time.monotonic() + seconds, query, partial))

    def _events(
        self, revision: int, deadline: float, query: Mapping[str, str], partial: bool
    ) -> Iterator[dict[str, Any]]:
        """The events after `revision`; with 0, first those of the objects that there are."""
        bookmarks = query.get("allowWatchBookmarks") in ("1", "true")
        initial = query.get("sendInitialEvents") in ("1", "true")
        if not revision or initial:
            revision, objects = self._log.list_objects(self.path)
            for found in objects:
                if _is_selected(found, query):
                    yield {"type": "ADDED", "object": self._shown(found, partial)}
            if initial and bookmarks:
                yield self._bookmark(revision, partial, _INITIAL_EVENTS_END)
        next_bookmark = self._next_bookmark(deadline) if bookmarks else deadline
        while not self._log.is_closed and time.monotonic() < deadline:
            try:
                revision, changes = self._log.wait(
                    self.path, revision, max(0.0, min(deadline, next_bookmark) - time.monotonic())
                )
            except CompactedError as error:
                if not self.refuses_old_versions:
                    yield {"type": "ERROR", "object": status_object(410, str(error))}
                return
            for change in changes:
                if _is_selected(change.object, query):
                    yield {"type": change.type, "object": self._shown(change.object, partial)}
            if bookmarks and next_bookmark <= time.monotonic():
                yield self._bookmark(revision, partial)
                next_bookmark = self._next_bookmark(deadline)

    def _next_bookmark(self, deadline: float) -> float:
        now = time.monotonic()
        regular, last = now + self.bookmark_seconds, deadline - _LAST_BOOKMARK_SECONDS
        return min(regular, last) if last > now else min(regular, deadline)

    def _bookmark(self, revision: int, partial: bool, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        found = {
            "kind": self.kind,
            "apiVersion": self.api_version,
            "metadata": {"resourceVersion": str(revision), **(more or {})},
        }
        return {"type": "BOOKMARK", "object": self._shown(found, partial)}

    def _shown(self, found: dict[str, Any], partial: bool) -> dict[str, Any]:
        if not partial:
            return found
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": found["metadata"]}


def _is_selected(found: dict[str, Any], query: Mapping[str, str]) -> bool:
    """Whether an object matches the field selector."""
    name: str = query.get("fieldSelector", "").rpartition("=")[2]
    return not name or found["metadata"]["name"] == name


def _check_selectors(query: Mapping[str, str]) -> None:
    """Raise `ValueError` for a selector that is not supported."""
    field = query.get("fieldSelector", "")
    if query.get("labelSelector") or (field and not field.startswith("metadata.name=")):
        raise ValueError("of all selectors, this server supports only fieldSelector=metadata.name=<name>")


def _refusal(code: int, message: str) -> ObjectAnswer:
    return ObjectAnswer(code, status_object(code, message))


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError(f"continue key is not valid: {token}") from None
