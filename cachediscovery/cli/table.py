"""Columns as kubectl aligns them (Go's `text/tabwriter` with kubectl's settings)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RESOURCE_HEADERS = ("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND")
WIDE_RESOURCE_HEADERS = (*RESOURCE_HEADERS, "VERBS", "CATEGORIES")
MAPPING_HEADERS = ("NAME", "GROUP", "VERSION", "RESOURCE", "KIND", "SCOPE", "PATH")

_MIN_WIDTH = 6
_PADDING = 3


def format_resources(rows: Iterable[Sequence[str]], output: str, *, headers: bool) -> str:
    """The listing of resources as kubectl prints it; `output` is "", `wide` or `name`.

    The cells of a row: group, version, name, short names, whether it is namespaced, kind, verbs, categories.
    """
    if output == "name":
        return "".join(f"{row[2]}.{row[0]}\n" if row[0] else f"{row[2]}\n" for row in rows)
    wide = output == "wide"
    table: list[Sequence[str]] = [WIDE_RESOURCE_HEADERS if wide else RESOURCE_HEADERS] if headers else []
    for group, version, name, short_names, namespaced, kind, verbs, categories in rows:
        cells = (name, short_names, f"{group}/{version}" if group else version, namespaced, kind)
        table.append((*cells, verbs, categories) if wide else cells)
    return format_table(table)


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
