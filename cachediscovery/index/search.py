"""The index's table of resources: its columns, and `IndexSearch`, which puts only those rows together that it finds.

There is a row for each resource (no subresources) in each version. Every value is text; a list of words is joined by
commas. `RANK` is the order of client-go's discovery REST mapper. The index has the rows in the order of
`kubectl api-resources`, the listed ones first, so that a listing need not sort them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from .index_file import Index

    Row: TypeAlias = tuple[str, ...]

# Positions in a row. The first five are also those of a `RESTMapping`.
GROUP, VERSION, PLURAL, SINGULAR, KIND, NAMESPACED = range(6)
VERBS, SHORT_NAMES, CATEGORIES, STORAGE_HASH, LISTED, RANK = range(6, 12)
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


# A lookup searches a few times; after so many searches it pays to file the columns.
_MANY = 100


class IndexSearch:
    """The rows of a table of resources, best first, by what stands in their columns."""

    def __init__(self, columns: Sequence[list[str]]) -> None:
        """`columns` are those of `COLUMNS`, in their order. Raises `ValueError` if they differ in length."""
        self._columns = list(columns)
        self._ranks = columns[RANK]
        if {len(column) for column in columns} != {len(self._ranks)}:
            raise ValueError("the columns differ in length")
        if "" in columns[SINGULAR]:
            # Servers before 1.27 do not tell the singular of built-in resources.
            pairs = zip(columns[SINGULAR], columns[KIND], strict=True)
            self._columns[SINGULAR] = [singular or kind.lower() for singular, kind in pairs]
        self._searches = 0
        # Columns by position, each with the rows of every value, or of every word, in it.
        self._filed: dict[int, dict[str, list[int]]] = {}

    @classmethod
    def of_index(cls, index: Index, unread: Collection[int] = ()) -> IndexSearch:
        """`index` was read with all columns but those at the positions `unread`, which are empty then."""
        empty = [""] * len(index.column(COLUMNS[RANK]))
        return cls([empty if at in unread else index.column(name) for at, name in enumerate(COLUMNS)])

    def __iter__(self) -> Iterator[Row]:
        """All rows."""
        return iter(self._rows(range(len(self._ranks))))

    def by_name(self, name: str) -> list[Row]:
        """The rows with this plural or singular name."""
        return self._rows({*self._find(PLURAL, name), *self._find(SINGULAR, name)})

    def by_short_name(self, name: str) -> list[Row]:
        return self._rows(self._find(SHORT_NAMES, name))

    def by_category(self, category: str) -> list[Row]:
        return self._rows(self._find(CATEGORIES, category))

    def by_kind(self, kind: str) -> list[Row]:
        """The rows with this kind, or, where `kind` is in lower case, with one that is spelled so in lower case."""
        if kind != kind.lower():
            return self._rows(self._find(KIND, kind))
        lowered = "\n".join(self._columns[KIND]).lower().split("\n")
        return self._rows({*self._find(KIND, kind), *_positions(lowered, kind)})

    def _find(self, column: int, value: str) -> Sequence[int]:
        """The rows that have `value` in a column, or as a word of it; none for an empty one."""
        self._searches += 1
        has_words = column in (SHORT_NAMES, CATEGORIES)
        if self._searches > _MANY and value:
            if column not in self._filed:
                filed = self._filed[column] = {}
                for position, text in enumerate(self._columns[column]):
                    for word in text.split(",") if has_words else (text,):
                        filed.setdefault(word, []).append(position)
            return self._filed[column].get(value, ())
        return (_positions_of_word if has_words else _positions)(self._columns[column], value)

    def _rows(self, positions: Iterable[int]) -> list[Row]:
        ranks = self._ranks
        best_first = sorted(positions, key=lambda position: int(ranks[position]))
        return [tuple([column[position] for column in self._columns]) for position in best_first]


def _positions(column: list[str], value: str) -> list[int]:
    found: list[int] = []
    try:
        while value:
            found.append(column.index(value, found[-1] + 1 if found else 0))
    except ValueError:
        pass
    return found


def _positions_of_word(column: list[str], word: str) -> list[int]:
    if not word:
        return []
    return [position for position, words in enumerate(column) if word in words and word in words.split(",")]
