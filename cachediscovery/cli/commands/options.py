"""`options`: prints the global flags, as `kubectl options` does."""

from __future__ import annotations

from ..flags import Parsed
from ..help import global_flags_help
from ..output import write


def run(_: Parsed) -> int:
    """Run the command and return its exit code."""
    write(global_flags_help())
    return 0
