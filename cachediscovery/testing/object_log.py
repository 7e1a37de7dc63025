"""`ObjectLog`: objects and the log of their changes, as in etcd. One revision counts the changes of all collections."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple


class Change(NamedTuple):
    """A change of an object: `ADDED`, `MODIFIED` or `DELETED`, and the object after it."""

    revision: int
    path: str
    type: str
    object: dict[str, Any]


class CompactedError(Exception):
    """The log no longer has the changes after a revision."""


class ObjectLog:
    """The objects of all collections, by its path and the object's name. Safe for several threads."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._objects: dict[str, dict[str, dict[str, Any]]] = {}
        self._changes: list[Change] = []
        self._compacted = 0
        self._closed = False
        self.revision: int = 0

    def put(self, path: str, found: dict[str, Any]) -> None:
        """Create or replace an object; its `resourceVersion` is the new revision."""
        name = found["metadata"]["name"]
        with self._condition:
            objects = self._objects.setdefault(path, {})
            objects[name] = self._log(path, "MODIFIED" if name in objects else "ADDED", found)

    def delete(self, path: str, name: str) -> None:
        """Delete an object. Raises `KeyError` if there is none of this name."""
        with self._condition:
            self._log(path, "DELETED", self._objects[path].pop(name))

    def get(self, path: str, name: str) -> dict[str, Any] | None:
        """The object of this name, or None."""
        with self._condition:
            return self._objects.get(path, {}).get(name)

    def list_objects(self, path: str) -> tuple[int, list[dict[str, Any]]]:
        """The revision, and all objects of a collection, sorted by name."""
        with self._condition:
            objects = self._objects.get(path, {})
            return self.revision, [objects[name] for name in sorted(objects)]

    def compact(self) -> None:
        """Drop all changes so far: every revision handed out until now is too old."""
        with self._condition:
            self._compacted = self.revision = self.revision + 1
            self._changes.clear()
            self._condition.notify_all()

    def check(self, revision: int) -> None:
        """Raise `CompactedError` if the log lacks changes after `revision`."""
        if revision < self._compacted:
            raise CompactedError(f"too old resource version: {revision} ({self._compacted})")

    def wait(self, path: str, revision: int, seconds: float) -> tuple[int, list[Change]]:
        """Wait for changes of a collection after `revision`, for at most `seconds`. Return the revision seen, and them.

        Raises `CompactedError`.
        """
        deadline = time.monotonic() + seconds
        with self._condition:
            while True:
                self.check(revision)
                found = [change for change in self._changes if change.revision > revision and change.path == path]
                left = deadline - time.monotonic()
                if found or left <= 0 or self._closed:
                    return max(revision, self.revision), found
                self._condition.wait(left)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def close(self) -> None:
        """End all waits."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _log(self, path: str, type: str, found: dict[str, Any]) -> dict[str, Any]:
        self.revision += 1
        metadata = {**found["metadata"], "resourceVersion": str(self.revision)}
        found = {**found, "metadata": metadata}
        self._changes.append(Change(self.revision, path, type, found))
        self._condition.notify_all()
        return found
