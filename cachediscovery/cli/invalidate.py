"""`invalidate`: drop documents, for this program, for kubectl and for every process that uses the same folder."""

from __future__ import annotations

from ..disk.store import GROUPS
from ..interface import parse_group_version
from .flags import Parsed, UsageError
from .session import Session
from .stdout import write


def run(parsed: Parsed) -> int:
    if len(parsed.arguments) > 1:
        raise UsageError(f"one group version at most, got {parsed.arguments}")
    chosen = [str(parse_group_version(argument)) for argument in parsed.arguments]
    session = Session(parsed)
    removed = 0
    if session.store is not None:
        # The groups first: without them nobody takes the rest for the whole.
        keys = chosen or sorted(session.store.keys(), key=lambda key: key != GROUPS)
        removed = sum(map(session.store.remove, keys))
    noun = "document" if removed == 1 else "documents"
    write(f"invalidated {removed} {noun} of {session.server}\n")
    return 0
