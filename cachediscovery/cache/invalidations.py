"""`Invalidations`: what may not be used any more, because it is from before a moment that a caller has named.

Within the process before and after are the monotonic clock's. Of a file only its date is known, and clocks are set: so
the files that are there at an invalidation are noted, and whatever their dates may say, they are from before it.
"""

from __future__ import annotations

import time

from ..disk.document_store import GROUPS
from ..model.records import NamedTuple
from .entry import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..disk.document_store import DocumentStore
    from ..disk.files import Signature

# A file of this age at the time of an invalidation may hold what was fetched before it: its writer (kubectl)
# dates it when it is written, and may have asked as long before as a request may take.
_IN_FLIGHT = 40.0


class _Invalidation(NamedTuple):
    """When it was, on the monotonic clock and in seconds since the epoch; and the files that were there, by key."""

    moment: float = NEVER
    at: float = 0.0
    files: dict[str, Signature] = {}


_NONE = _Invalidation()


class Invalidations:
    """Safe for use by several threads."""

    def __init__(self, store: DocumentStore | None) -> None:
        self._store = store
        self._all = _NONE
        self._of_key: dict[str, _Invalidation] = {}

    def add(self, key: str | None) -> None:
        """From now on nothing holds that is older than this moment: of everything (None), or of one document."""
        moment, at = time.monotonic(), time.time()
        # Noted after the moment: a document that comes in between is one too many to fetch, and never one too old.
        keys = [key] if key is not None else [GROUPS, *self._keys()]
        files = {} if self._store is None else {name: self._store.signature(name) for name in keys}
        known = {name: signature for name, signature in files.items() if signature is not None}
        made = _Invalidation(moment, at, known)
        if key is None:
            self._all = made
            self._of_key = {}
        else:
            self._of_key = {**self._of_key, key: made}

    def moment(self, key: str) -> float:
        """When the document was last invalidated, on the monotonic clock; minus infinity for never."""
        return self._latest(key).moment

    def permits(self, key: str, signature: Signature) -> bool:
        """Whether a file of this state holds nothing that was fetched before the document was last invalidated."""
        latest = self._latest(key)
        if latest is _NONE:
            return True
        if self._store is None or latest.files.get(key) == signature:
            return False
        if signature.mtime >= latest.at + _IN_FLIGHT:
            return True
        # Unlike kubectl's, our files are dated when their fetch began.
        return signature.mtime >= latest.at and self._store.was_fetch(signature.mtime_ns)

    def _keys(self) -> list[str]:
        return list(self._store.keys({GROUPS})) if self._store is not None else []

    def _latest(self, key: str) -> _Invalidation:
        of_key = self._of_key.get(key, _NONE)
        return of_key if of_key.moment > self._all.moment else self._all
