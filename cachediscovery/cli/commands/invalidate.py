"""`invalidate`: removes documents, for this program, kubectl and every process that uses the same folder."""

from __future__ import annotations

import os
from functools import partial

from ...disk.document_store import DocumentStore
from ...disk.files import reason_of
from ...disk.lock import FetchLock
from ...index.index_file import INDEX_FILE
from ...model.names import parse_group_version
from ..flags import Parsed, UsageError
from ..output import write
from ..session import Session
from ..upkeep import kept_in_words, report


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    if len(parsed.arguments) > 1:
        raise UsageError(f"one group version at most, got {parsed.arguments}")
    chosen = [str(parse_group_version(argument)) for argument in parsed.arguments]
    session = Session(parsed)
    removed, problems = 0, []
    # In every folder: another store may be used later if this one becomes unusable.
    for store in session.stores():
        if not os.path.isdir(store.folder):
            continue
        if store.distrust():
            problems.append(f"{store.distrust()}: the files there are left alone")
            continue
        kept: dict[str, str] = {}
        # Wait for a fetch that started before this command, and remove its documents too.
        removed += FetchLock(store.lock_path).run(partial(_remove, store, chosen, kept), lambda: None)
        if kept:
            problems.append(kept_in_words(kept, store))
    noun = "document" if removed == 1 else "documents"
    write(f"invalidated {removed} {noun} of {session.server}\n")
    return report(problems)


def _remove(store: DocumentStore, chosen: list[str], kept: dict[str, str]) -> int:
    """Remove documents, the group list first, so that a partial listing is never used. Add failures to `kept`."""
    removed = 0
    for key in chosen or sorted(store.keys()):
        try:
            removed += store.unlink(key)
        except OSError as error:
            kept[store.path(key)] = reason_of(error)
    if kept:
        # The index would still serve the documents.
        try:
            os.unlink(os.path.join(store.folder, INDEX_FILE))
        except OSError:
            pass
    return removed
