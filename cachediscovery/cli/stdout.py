"""Writing to standard output."""

from __future__ import annotations

import sys


def write(text: str) -> None:
    """Write `text` to standard output: whole, and the same bytes on every platform and in every locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
