"""`cache verify`: compares every cached document of the cluster with the server."""

from __future__ import annotations

import json

from ...cache.verification import SAME, WRONG, verify
from ..flags import Parsed, UsageError
from ..output import format_table, write
from ..progress import progress
from ..session import Session
from ..shared_records import shared_entries


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    output = parsed.text("output")
    if output not in ("", "json"):
        raise UsageError(f"--output must be json, not {output!r}")
    session = Session(parsed, asks=True)
    store = session.store_or_fail()
    with progress(session.server):
        verdicts = verify(store, session.base, shared_entries(parsed, session.cluster))
    wrong = sum(verdict.state in WRONG for verdict in verdicts)
    if output == "json":
        documents = [{"name": verdict.key or "groups", "state": verdict.state} for verdict in verdicts]
        write(json.dumps({"folder": store.folder, "documents": documents}, indent=2) + "\n")
        return 1 if wrong else 0
    rows = [(verdict.key or "groups", verdict.state) for verdict in verdicts if verdict.state != SAME]
    write(format_table([("DOCUMENT", "STATE"), *rows]) + "\n" if rows else "")
    same = sum(verdict.state == SAME for verdict in verdicts)
    write(f"{same} of {len(verdicts)} documents are what {session.server} says\n")
    return 1 if wrong else 0
