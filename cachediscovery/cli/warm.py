"""The plain cases on a warm cache, answered from the index alone: kubectl's listing, and `resolve`.

What is not plain (another flag, a name that is not known, an index that does not hold) is left to the
whole command line, which prints the same, later. Nothing is imported here that these cases do not use.
"""

from __future__ import annotations

import os

from ..config.remembered import RememberedCluster
from ..disk.folders import DEFAULT_TTL, cache_root, cluster_folder
from ..disk.index import (
    CATEGORIES,
    GROUP,
    KIND,
    NAMESPACED,
    PLURAL,
    SHORT_NAMES,
    VERBS,
    VERSION,
    IndexColumns,
    read_index,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def run(argv: Sequence[str]) -> int | None:
    """Run a plain command line: its exit code, or None if this is not one."""
    if os.environ.get("CACHEDISCOVERY_TTL"):
        return None
    words = list(argv)
    output = _take_output(words)
    if output is None:
        return None
    if words == ["api-resources", "--cached"] and output in ("", "wide", "name"):
        text = _index()
        return _write(_listing(text, output)) if text else None
    # A word with a dash is a flag, one with a comma several names.
    if words[:1] == ["resolve"] and len(words) > 1 and output in ("", "name"):
        names = words[1:]
        if not any(name.startswith("-") or "," in name or not name for name in names):
            text = _index()
            resolved = _resolved(text, names, output) if text else None
            return _write(resolved) if resolved is not None else None
    return None


def _take_output(words: list[str]) -> str | None:
    """Take `-o FORMAT` out of `words`: the format, "" if there is none, None if it is given in another way."""
    if "-o" not in words:
        return ""
    at = words.index("-o")
    if at + 1 >= len(words):
        return None
    output = words[at + 1]
    del words[at : at + 2]
    return output or None


def _index() -> str:
    root = cache_root()
    cluster = RememberedCluster(root).load() if root else None
    if cluster is None:
        return ""
    index = read_index(root, cluster_folder(root, cluster), DEFAULT_TTL, cluster.authority)
    return index.lines if index is not None else ""


def _listing(text: str, output: str) -> str:
    """`api-resources --cached`."""
    rows = [line.split("\t") for line in text.split("\n") if line.endswith("\t1")]
    # Group and name are all that kubectl sorts by, and no two resources share both.
    rows = sorted((row for row in rows if row[VERBS]), key=lambda row: (row[GROUP], row[PLURAL]))
    from .table import format_resources

    fields = (GROUP, VERSION, PLURAL, SHORT_NAMES, NAMESPACED, KIND, VERBS, CATEGORIES)
    return format_resources(([row[field] for field in fields] for row in rows), output, headers=True)


def _resolved(text: str, names: list[str], output: str) -> str | None:
    """`resolve NAME…`; None if a name has no match, more than one, or is a category."""
    from ..restmapper.rules import mapping_for

    columns = IndexColumns(text)
    found = []
    ambiguous: list[str] = []
    for name in names:
        if columns.by_category(name):
            return None
        row = mapping_for(columns, name, ambiguous.append)
        if row is None or ambiguous:
            return None
        found.append((name, row))
    if output == "name":
        return "".join(f"{row[PLURAL]}.{row[GROUP]}\n" if row[GROUP] else f"{row[PLURAL]}\n" for _, row in found)
    from .table import MAPPING_HEADERS, format_table

    rows: list[Sequence[str]] = [MAPPING_HEADERS]
    for name, row in found:
        group, version, plural = row[GROUP], row[VERSION], row[PLURAL]
        path = f"/apis/{group}/{version}/{plural}" if group else f"/api/{version}/{plural}"
        scope = "Namespaced" if row[NAMESPACED] == "true" else "Cluster"
        rows.append((name, group, version, plural, row[KIND], scope, path))
    return format_table(rows)


def _write(text: str) -> int:
    from .stdout import write

    write(text)
    return 0
