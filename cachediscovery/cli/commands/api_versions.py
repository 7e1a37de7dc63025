"""`api-versions`: prints the same bytes as kubectl's."""

from __future__ import annotations

from ..flags import Parsed
from ..output import fail, printable_lines, write
from ..session import Session


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    session = Session(parsed, asks=parsed.flag("refresh") or not parsed.flag("cached"))
    names, failure = session.group_versions()
    write(printable_lines("".join([f"{name}\n" for name in sorted(names)])))
    if failure:
        fail(failure)
        return 1
    session.finish()
    return 0
