"""`api-resources`: prints the same bytes as kubectl's."""

from __future__ import annotations

from ...index.search import (
    CATEGORIES,
    COLUMNS,
    GROUP,
    KIND,
    LISTED,
    NAMESPACED,
    PLURAL,
    RANK,
    SHORT_NAMES,
    SINGULAR,
    STORAGE_HASH,
    TRUE,
    VERBS,
    VERSION,
    YES,
)
from ..flags import Parsed, UsageError
from ..output import fail, format_table, write
from ..session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ...index.search import Row

_FORMATS = ("", "json", "name", "wide", "yaml")
_HEADERS = ("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", "VERBS", "CATEGORIES")
# The columns needed by every output format.
_ALWAYS = (GROUP, VERSION, PLURAL, SHORT_NAMES, NAMESPACED, KIND, LISTED)


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    output = parsed.text("output")
    if output not in _FORMATS:
        raise UsageError(
            f'unable to match a printer suitable for the output format "{output}", '
            "allowed formats are: json,name,wide,yaml"
        )
    if parsed.text("sort-by") not in ("", "name", "kind"):
        raise UsageError("--sort-by accepts only name or kind")
    session = Session(parsed, asks=parsed.flag("refresh") or not parsed.flag("cached"))
    rows, failure = _rows(session, parsed)
    if rows or not failure:
        write(_formatted(_sorted(_selected(rows, parsed), parsed.text("sort-by")), parsed))
    if failure:
        fail(failure)
        return 1
    session.finish()
    return 0


def _rows(session: Session, parsed: Parsed) -> tuple[list[Row], str]:
    """The listed rows by group and name, and an error message for what could not be discovered."""
    needed = _columns_needed(parsed)
    index = None if session.asks else session.index([COLUMNS[position] for position in needed])
    if index is not None:
        listed = index.column(COLUMNS[LISTED])
        unread = [""] * len(listed)
        columns = [index.column(name) if at in needed else unread for at, name in enumerate(COLUMNS)]
        return list(zip(*columns, strict=True))[: listed.count(YES)], ""
    from ...model.errors import GroupDiscoveryFailed
    from ...restmapper.rows import in_listing_order, rows_of

    found = session.documents()
    failure = str(GroupDiscoveryFailed(found.failed, found)) if found.failed else ""
    return [row for row in in_listing_order(rows_of(found)) if row[LISTED]], failure


def _columns_needed(parsed: Parsed) -> set[int]:
    needed = {*_ALWAYS}
    output = parsed.text("output")
    if output not in ("", "name"):
        needed |= {VERBS, CATEGORIES}
    if output in ("json", "yaml"):
        needed |= {SINGULAR, STORAGE_HASH}
    if parsed.text("sort-by"):
        needed.add(RANK)
    if parsed.given("verbs"):
        needed.add(VERBS)
    if parsed.given("categories"):
        needed.add(CATEGORIES)
    return needed


def _selected(rows: list[Row], parsed: Parsed) -> list[Row]:
    """Return the rows selected by the flags."""
    if parsed.given("api-group"):
        group = parsed.text("api-group")
        rows = [row for row in rows if row[GROUP] == group]
    if parsed.given("namespaced"):
        namespaced = parsed.flag("namespaced")
        rows = [row for row in rows if (row[NAMESPACED] == TRUE) == namespaced]
    for flag, column in (("verbs", VERBS), ("categories", CATEGORIES)):
        wanted = frozenset(parsed.texts(flag))
        if wanted:
            rows = [row for row in rows if wanted.issubset(row[column].split(","))]
    return rows


def _sorted(rows: list[Row], sort_by: str) -> list[Row]:
    """Sort the rows by name or kind, ties in the server's order. Else keep their order."""
    if sort_by == "name":
        return sorted(rows, key=lambda row: (row[PLURAL], int(row[RANK])))
    if sort_by == "kind":
        return sorted(rows, key=lambda row: (row[KIND], row[PLURAL], int(row[RANK])))
    return rows


def _formatted(rows: list[Row], parsed: Parsed) -> str:
    output = parsed.text("output")
    if output in ("json", "yaml"):
        return _document(rows, output)
    if output == "name":
        names = [f"{row[PLURAL]}.{row[GROUP]}" if row[GROUP] else row[PLURAL] for row in rows]
        return "".join([f"{name}\n" for name in names])
    table: list[tuple[str, ...]] = [
        (plural, short_names, f"{group}/{version}" if group else version, namespaced, kind)
        for group, version, plural, _, kind, namespaced, _, short_names, _, _, _, _ in rows
    ]
    headers: tuple[str, ...] = _HEADERS[:5]
    if output == "wide":
        table = [(*cells, row[VERBS], row[CATEGORIES]) for cells, row in zip(table, rows, strict=True)]
        headers = _HEADERS
    return format_table(table if parsed.flag("no-headers") else [headers, *table])


def _document(rows: list[Row], output: str) -> str:
    document = {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": "",
        # kubectl prints a nil slice as null.
        "resources": _objects(rows) or None,
    }
    if output == "json":
        from ..json_text import json_text

        return json_text(document, 4) + "\n"
    from ..go_yaml import go_yaml

    return go_yaml(document)


def _objects(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The JSON object of each resource, with keys in Go's order. Equal lists are shared."""
    words: dict[str, list[str]] = {}

    def listed(text: str) -> list[str]:
        found = words.get(text)
        if found is None:
            found = words[text] = text.split(",") if text else []
        return found

    objects = []
    for group, version, plural, singular, kind, namespaced, verbs, short_names, categories, storage_hash, _, _ in rows:
        made: dict[str, Any] = {"name": plural, "singularName": singular, "namespaced": namespaced == TRUE}
        if group:
            made["group"] = group
        made["version"] = version
        made["kind"] = kind
        made["verbs"] = listed(verbs)
        if short_names:
            made["shortNames"] = listed(short_names)
        if categories:
            made["categories"] = listed(categories)
        if storage_hash:
            made["storageVersionHash"] = storage_hash
        objects.append(made)
    return objects
