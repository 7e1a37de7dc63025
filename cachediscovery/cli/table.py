"""Columns as kubectl aligns them (Go's `text/tabwriter` with kubectl's settings)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

RESOURCE_HEADERS = ("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND")
WIDE_RESOURCE_HEADERS = (*RESOURCE_HEADERS, "VERBS", "CATEGORIES")
MAPPING_HEADERS = ("NAME", "GROUP", "VERSION", "RESOURCE", "KIND", "SCOPE", "PATH")

_MIN_WIDTH = 6
_PADDING = 3


def format_table(rows: Sequence[Sequence[str]]) -> str:
    """`rows` as text; the last column is not padded. Characters that steer terminals become spaces."""
    if not rows:
        return ""
    widths = [max(_MIN_WIDTH, max(map(len, column)) + _PADDING) for column in list(zip(*rows, strict=True))[:-1]]
    pattern = "".join(f"%-{width}s" for width in widths) + "%s"
    lines = [pattern % tuple(row) for row in rows]
    text = "\n".join(lines)
    if not text.replace("\n", "").isprintable():
        from ..lines import printable

        text = "\n".join(map(printable, lines))
    return text + "\n"
