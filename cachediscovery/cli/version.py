"""`version`: of this program."""

from __future__ import annotations

from ..version import VERSION
from .flags import Parsed
from .stdout import write


def run(_: Parsed) -> int:
    write(f"cachediscovery {VERSION}\n")
    return 0
