"""`version`: prints the version of this program."""

from __future__ import annotations

from ...version import VERSION
from ..flags import Parsed
from ..output import write


def run(_: Parsed) -> int:
    """Run the command and return its exit code."""
    write(f"cachediscovery {VERSION}\n")
    return 0
