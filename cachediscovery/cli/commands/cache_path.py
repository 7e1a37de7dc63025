"""`cache path`: prints the folder of the cluster's documents."""

from __future__ import annotations

from ..flags import Parsed
from ..output import write
from ..session import Session


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    write(f"{Session(parsed).store_or_fail().folder}\n")
    return 0
