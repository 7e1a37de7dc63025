"""`StaleIfError`: uses expired documents in place of an error (RFC 5861, section 4). Opt-in."""

from __future__ import annotations

import time

from .. import _log as log
from ..disk.document_store import GROUPS
from ..model.errors import CertificateError, InvalidDocument, RequestError, StatusError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from .document_cache import DocumentCache

    T = TypeVar("T")

# Seconds before an unreachable server is tried again: a listing has many documents.
_UNREACHABLE_SECONDS = 10.0
_FIRST_SERVER_ERROR = 500


class StaleIfError:
    """Fetches a document, or uses the expired one if the server cannot be reached. Warns the first time."""

    def __init__(self, cache: DocumentCache, seconds: float) -> None:
        """Use documents that expired at most `seconds` ago; 0 means always raise the error."""
        self._cache = cache
        self._seconds = seconds
        self._unreachable_at: float | None = None
        self._warned = False

    def fetch(self, key: str, fetch: Callable[[], T]) -> T:
        """Return the result of `fetch`, or the expired document `key`. Raises what `fetch` raises."""
        if not self._seconds:
            return fetch()
        at = self._unreachable_at
        if at is not None and time.monotonic() - at < _UNREACHABLE_SECONDS:
            found = self._expired(key)
            if found is not None:
                document: T = found[0]
                return document
        try:
            fetched = fetch()
        except RequestError as error:
            found = self._expired(key) if _is_unreachable(error) else None
            if found is None:
                raise
            if not self._warned:
                from ..config.durations import format_age

                log.warning("using documents from %s ago: %s", format_age(found[1]), error)
            # An error status for one group version is about its extension API server only.
            if key == GROUPS or not isinstance(error, StatusError):
                self._unreachable_at = time.monotonic()
            self._warned = True
            stale: T = found[0]
            return stale
        self._unreachable_at = None
        if key == GROUPS:
            self._warned = False
        return fetched

    def _expired(self, key: str) -> tuple[Any, float] | None:
        return self._cache.get_expired(key, self._seconds)


def _is_unreachable(error: RequestError) -> bool:
    """Whether there was no response, or a server error (5xx). A 4xx status counts as reached."""
    if isinstance(error, StatusError):
        return error.code >= _FIRST_SERVER_ERROR
    return not isinstance(error, (CertificateError, InvalidDocument))
