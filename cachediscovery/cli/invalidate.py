"""`invalidate`: drop documents, for this program, for kubectl and for every process that uses the same folder."""

from __future__ import annotations

import os

from ..disk.lock import FetchLock
from ..disk.store import DocumentStore
from ..names import parse_group_version
from .flags import Parsed, UsageError
from .output import write
from .session import Session


def run(parsed: Parsed) -> int:
    if len(parsed.arguments) > 1:
        raise UsageError(f"one group version at most, got {parsed.arguments}")
    chosen = [str(parse_group_version(argument)) for argument in parsed.arguments]
    session = Session(parsed)
    store, removed = session.store, 0
    if store is not None and os.path.isdir(store.folder):
        # A fetch that is under way was asked for before this: it is let finish, and its documents go as well.
        removed = FetchLock(store.lock_path).run(lambda: _remove(store, chosen), lambda: None)
    noun = "document" if removed == 1 else "documents"
    write(f"invalidated {removed} {noun} of {session.server}\n")
    return 0


def _remove(store: DocumentStore, chosen: list[str]) -> int:
    return sum(map(store.remove, chosen)) if chosen else store.remove_all()
