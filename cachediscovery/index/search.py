"""The index's table of resources: its columns, and `IndexSearch`, which puts only those rows together that it finds.

There is a row for each resource (no subresources) in each version. Every value is text; a list of words is joined by
commas. `RANK` is the order of client-go's discovery REST mapper. The index has the rows in the order of
`kubectl api-resources`, the listed ones first, so that a listing need not sort them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import TypeAlias

    from .index_file import Index

    Row: TypeAlias = tuple[str, ...]

# Positions in a row. The first five are also those of a `RESTMapping`.
GROUP, VERSION, PLURAL, SINGULAR, KIND, NAMESPACED, VERBS, SHORT_NAMES, CATEGORIES, STORAGE_HASH, LISTED, RANK = range(
    12
)
# `NAMESPACED`, as kubectl prints it.
TRUE, FALSE = "true", "false"
# `LISTED`, else empty: `kubectl api-resources` lists the resource, which has verbs, in this version.
YES = "1"

# The sections of the index with the columns, by position.
COLUMNS = (
    "group",
    "version",
    "plural",
    "singular",
    "kind",
    "namespaced",
    "verbs",
    "short-names",
    "categories",
    "storage-version-hash",
    "listed",
    # The row's place among all rows, the best being 0.
    "rank",
)
# The section with the group version of each resource list, in the server's order.
GROUP_VERSIONS = "group-versions"


class IndexSearch:
    """The rows of an index, best first, searched column by column."""

    def __init__(self, index: Index, unread: Collection[int] = ()) -> None:
        """`index` was read with all `COLUMNS` but those at the positions `unread`, which are empty then.

        Raises `ValueError` for a table that is none.
        """
        self._ranks = index.column(COLUMNS[RANK])
        empty = [""] * len(self._ranks)
        self._columns = [empty if at in unread else index.column(name) for at, name in enumerate(COLUMNS)]
        if len({len(column) for column in self._columns}) != 1:
            raise ValueError("the columns differ in length")
        if "" in self._columns[SINGULAR]:
            # Servers before 1.27 do not tell the singular of built-in resources.
            pairs = zip(self._columns[SINGULAR], self._columns[KIND], strict=True)
            self._columns[SINGULAR] = [singular or kind.lower() for singular, kind in pairs]
        self._lower_kinds: list[str] | None = None

    def __iter__(self) -> Iterator[Row]:
        """All rows."""
        return iter(self._rows(range(len(self._ranks))))

    def by_name(self, name: str) -> list[Row]:
        """The rows with this plural or singular name."""
        return self._rows({*_positions(self._columns[PLURAL], name), *_positions(self._columns[SINGULAR], name)})

    def by_short_name(self, name: str) -> list[Row]:
        return self._rows(_positions_of_word(self._columns[SHORT_NAMES], name))

    def by_category(self, category: str) -> list[Row]:
        return self._rows(_positions_of_word(self._columns[CATEGORIES], category))

    def by_kind(self, kind: str) -> list[Row]:
        """The rows with this kind, or, where `kind` is in lower case, with one that is spelled so in lower case."""
        found = set(_positions(self._columns[KIND], kind))
        if kind == kind.lower():
            if self._lower_kinds is None:
                self._lower_kinds = "\n".join(self._columns[KIND]).lower().split("\n")
            found.update(_positions(self._lower_kinds, kind))
        return self._rows(found)

    def _rows(self, positions: Iterable[int]) -> list[Row]:
        ranks = self._ranks
        best_first = sorted(positions, key=lambda position: int(ranks[position]))
        return [tuple([column[position] for column in self._columns]) for position in best_first]


def _positions(column: list[str], value: str) -> list[int]:
    """Where `value` stands in `column`; nowhere for an empty one."""
    found: list[int] = []
    try:
        while value:
            found.append(column.index(value, found[-1] + 1 if found else 0))
    except ValueError:
        pass
    return found


def _positions_of_word(column: list[str], word: str) -> list[int]:
    """The positions of the values of `column`, lists joined by commas, that `word` is in."""
    if not word:
        return []
    return [position for position, words in enumerate(column) if word in words and word in words.split(",")]
