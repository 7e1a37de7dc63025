"""The rules that find the resource for a name, as kubectl does for `kubectl get NAME`.

Pure functions on tuples that begin with group, version, plural, singular and kind, in the order of their priority.
The tuples are `RESTMapping`s, or rows of an index, which the command line reads without importing more than this.

| | kubectl | here |
|---|---|---|
| resource, singular, kind | in any letter case | the same |
| short name | as the server spells it | the same |
| group | in full, or a prefix | the same |
| the kind of a list (`podlist`) | leads to a path that no server serves | no match |
"""

from __future__ import annotations

from ..index.search import GROUP, KIND, PLURAL, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol, TypeVar

    Row = TypeVar("Row", bound=tuple[Any, ...])
    Row_co = TypeVar("Row_co", bound=tuple[Any, ...], covariant=True)

    class Rows(Protocol[Row_co]):
        """Finds rows by name, in the order of their priority."""

        def by_name(self, name: str) -> Sequence[Row_co]:
            """The rows with this plural or singular name."""

        def by_short_name(self, name: str) -> Sequence[Row_co]:
            """The rows with this short name."""

        def by_kind(self, kind: str) -> Sequence[Row_co]:
            """The rows with this kind, given in its letter case or in lower case."""


def matches(
    rows: Rows[Row],
    name: str,
    group: str,
    version: str,
    warn: Callable[[str], None],
) -> list[Row]:
    """All rows that match a partial name, best first. An empty `group` or `version` matches any."""
    name, group, version = _expanded(rows, name, group, version, warn)
    return [
        row
        for row in rows.by_name(name.lower())
        if (not version or row[VERSION] == version)
        # With a version, the group must be complete.
        and (row[GROUP] == group if version and group else row[GROUP].startswith(group))
    ]


def rivals_of_best(found: Sequence[Row]) -> list[Row]:
    """The best rows of `found`: more than one if its group version has several resources that match."""
    return [row for row in found if row[:PLURAL] == found[0][:PLURAL]]


def of_kind(rows: Rows[Row], kind: str, group: str, versions: Sequence[str] = ()) -> list[Row]:
    """The rows of a kind in a group (its full name), best first; with `versions`, only these, in their order."""
    wanted = [version for version in versions if version]
    found = [row for row in rows.by_kind(kind) if row[GROUP] == group and (not wanted or row[VERSION] in wanted)]
    return sorted(found, key=lambda row: wanted.index(row[VERSION])) if wanted else found


def mapping_for(
    rows: Rows[Row],
    argument: str,
    warn: Callable[[str], None],
) -> Row | None:
    """The row that `kubectl get ARGUMENT` would use; None if there is none.

    With two or more dots, the second part may be a version, or the beginning of the group. A name that is not a
    resource may be a kind.
    """
    name, _, rest = argument.partition(".")
    version, dot, group = rest.partition(".")
    if not name:
        return None
    for partial_group, partial_version in [*([(group, version)] if dot else []), (rest, "")]:
        best = rivals_of_best(matches(rows, name, partial_group, partial_version, warn))
        if len(best) == 1:
            row = best[0]
            # The row may have no kind: then use it as it is.
            return next(iter(of_kind(rows, row[KIND], row[GROUP], [row[VERSION]])), row)
    for whole_group, kind_version in [*([(group, version)] if dot else []), (rest, "")]:
        kinds = of_kind(rows, name, whole_group, [kind_version])
        if kinds:
            return kinds[0]
    return None


def in_any_group(rows: Rows[Row], name: str) -> list[Row]:
    """The rows that have this plural, singular or short name, or this kind, in any group and version."""
    return [*rows.by_name(name.lower()), *rows.by_short_name(name), *rows.by_kind(name)]


def _expanded(
    rows: Rows[Row],
    name: str,
    group: str,
    version: str,
    warn: Callable[[str], None],
) -> tuple[str, str, str]:
    """Expand a short name to its resource; leave any other name as it is (client-go's `shortcutExpander`)."""
    for row in rows.by_name(name):
        if not group or row[GROUP] == group:
            return name, group, version
    candidates = rows.by_short_name(name)
    exact = list(dict.fromkeys((row[PLURAL], row[GROUP]) for row in candidates if not group or row[GROUP] == group))
    if exact:
        for other, other_group in exact[1:]:
            resource = f"{other}.{other_group}" if other_group else other
            warn(f'short name "{name}" could also match lower priority resource {resource}')
        # Drop the version, as client-go does.
        return *exact[0], ""
    for row in candidates:
        if row[GROUP].startswith(group):
            return row[PLURAL], row[GROUP], version
    return name, group, version
