"""The index's table of resources: its columns, and `IndexSearch`, which assembles only the rows that it finds.

There is one row for each resource (no subresources) in each version. Every value is text; lists of words are joined by
commas. `RANK` is the order of client-go's discovery REST mapper. The rows are in the order of `kubectl api-resources`,
the listed ones first, so that a listing does not sort them.
"""

from __future__ import annotations

import os

from .. import _log as log
from ..disk.layout import GROUPS_FILE, RESOURCES_FILE
from .index_file import read_index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from ..disk.document_store import DocumentStore
    from .index_file import Index

    Row: TypeAlias = tuple[str, ...]

# Positions in a row. The first five are also those of a `RESTMapping`.
GROUP, VERSION, PLURAL, SINGULAR, KIND, NAMESPACED = range(6)
VERBS, SHORT_NAMES, CATEGORIES, STORAGE_HASH, LISTED, RANK = range(6, 12)
# The values of `NAMESPACED`, as kubectl prints them.
TRUE, FALSE = "true", "false"
# The value of `LISTED` if `kubectl api-resources` lists the resource in this version (it must have verbs); else "".
YES = "1"

# The sections of the index that hold the columns, by position.
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
    # The row's place among all rows; 0 is the best.
    "rank",
)
# The section with the group version of each resource list, in the server's order.
GROUP_VERSIONS = "group-versions"
# The prefix of the other sections that hold names of resources.
RESOURCE = "resource-"
# The most digits of a rank.
_MAX_DIGITS = 9

# A lookup searches a few times. After this many searches, build a dictionary of each column searched.
_MANY = 100


def read_sound_index(
    root: str, folder: str, names: Collection[str], trust_fingerprint: str = "", server: str = ""
) -> Index | None:
    """Like `read_index`, but None also for an index with correct checksums and impossible rows."""
    index = read_index(root, folder, names, trust_fingerprint, server)
    if index is None or is_sound(index.paths(), {name: index.column(name) for name in names}):
        return index
    log.debug("cache miss: the index of %s is inconsistent", folder)
    return None


def read_index_of(store: DocumentStore | None, names: Collection[str], seconds: float) -> Index | None:
    """Read the index with the sections `names`; None unless it is valid and no document is older than `seconds`."""
    if store is None:
        return None
    index = read_sound_index(store.root, store.folder, names, store.trust_fingerprint, store.server)
    if index is None or not index.is_within(seconds) or store.is_superseded():
        return None
    if store.trust_fingerprint and not store.is_of_cluster():
        return None
    log.hit(len(index.paths()), store.folder, "the index of ")
    return index


def is_sound(paths: Sequence[str], sections: Mapping[str, Sequence[str]]) -> bool:
    """Whether `sections` are consistent with an index of the documents at `paths`.

    Checks whole columns, not single values, to be fast for thousands of rows at start-up.
    """
    ending = os.sep + RESOURCES_FILE
    group_versions = {path[: -len(ending)].replace(os.sep, "/") for path in paths if path.endswith(ending)}
    if {*paths} != {GROUPS_FILE, *(name.replace("/", os.sep) + ending for name in group_versions)}:
        return False
    if not _are_group_versions(group_versions):
        return False
    if {*sections.get(GROUP_VERSIONS, group_versions)} != group_versions:
        return False
    columns = {at: sections[name] for at, name in enumerate(COLUMNS) if name in sections}
    if len({len(column) for column in columns.values()}) > 1:
        return False
    return (
        all(_is_printable(column) for name, column in sections.items() if name in COLUMNS or name.startswith(RESOURCE))
        and _have_group_versions(columns, group_versions)
        and "" not in columns.get(PLURAL, ())
        and {*columns.get(NAMESPACED, ())} <= {TRUE, FALSE}
        and _are_listed_first(columns.get(LISTED, ()))
        and _are_ranks(columns.get(RANK, ()))
    )


def _are_group_versions(names: Collection[str]) -> bool:
    """Whether each of `names` is a version, or a group and a version, of labels as in `names.is_version_name`."""
    labels = f".{'.'.join(names)}.".replace("/", ".").replace("_", "-")
    plain = labels.replace("-", "").replace(".", "")
    if plain and not (plain.isascii() and plain.isalnum()):
        return False
    if any(wrong in labels for wrong in ("..", ".-", "-.")) and names:
        return False
    return all(name.count("/") < 2 and "." not in name.rpartition("/")[2] for name in names)


def _have_group_versions(columns: Mapping[int, Sequence[str]], group_versions: Collection[str]) -> bool:
    """Whether there is a document of every row's group version."""
    known = [name.rpartition("/")[::2] for name in group_versions]
    if GROUP in columns and VERSION in columns:
        return {*zip(columns[GROUP], columns[VERSION], strict=True)} <= {*known}
    return {*columns.get(GROUP, ())} <= {group for group, _ in known}


def _are_listed_first(listed: Sequence[str]) -> bool:
    count = listed.count(YES)
    return {*listed[:count]} <= {YES} and {*listed[count:]} <= {""}


def _are_ranks(ranks: Sequence[str]) -> bool:
    digits = "".join(ranks)
    return not ranks or (
        digits.isascii()
        and digits.isdigit()
        and len({*ranks}) == len(ranks)
        and "" not in ranks
        and max(map(len, ranks)) <= _MAX_DIGITS
    )


def _is_printable(column: Sequence[str]) -> bool:
    text = "".join(column)
    return text.isprintable() and " " not in text


class IndexSearch:
    """Finds rows of a table of resources by the values in their columns, best first."""

    def __init__(self, columns: Sequence[list[str]]) -> None:
        """Search `columns`, in the order of `COLUMNS`. Raises `ValueError` if they differ in length."""
        self._columns = list(columns)
        self._ranks = columns[RANK]
        if {len(column) for column in columns} != {len(self._ranks)}:
            raise ValueError("the columns differ in length")
        if "" in columns[SINGULAR]:
            # Servers before 1.27 do not send the singular of built-in resources.
            pairs = zip(columns[SINGULAR], columns[KIND], strict=True)
            self._columns[SINGULAR] = [singular or kind.lower() for singular, kind in pairs]
        self._searches = 0
        # By column, the positions of the rows with each value, or each word.
        self._filed: dict[int, dict[str, list[int]]] = {}

    @classmethod
    def of_index(cls, index: Index, unread: Collection[int] = ()) -> IndexSearch:
        """Make a search of an index that was read without the columns at the positions `unread`: these are empty."""
        empty = [""] * len(index.column(COLUMNS[RANK]))
        return cls([empty if at in unread else index.column(name) for at, name in enumerate(COLUMNS)])

    def __iter__(self) -> Iterator[Row]:
        """All rows."""
        return iter(self._rows(range(len(self._ranks))))

    def by_name(self, name: str) -> list[Row]:
        """The rows with this plural or singular name."""
        return self._rows({*self._find(PLURAL, name), *self._find(SINGULAR, name)})

    def by_short_name(self, name: str) -> list[Row]:
        """The rows with this short name."""
        return self._rows(self._find(SHORT_NAMES, name))

    def by_category(self, category: str) -> list[Row]:
        """The rows in this category."""
        return self._rows(self._find(CATEGORIES, category))

    def by_kind(self, kind: str) -> list[Row]:
        """The rows with this kind. If `kind` is in lower case, letter case is ignored."""
        if kind != kind.lower():
            return self._rows(self._find(KIND, kind))
        lowered = "\n".join(self._columns[KIND]).lower().split("\n")
        return self._rows({*self._find(KIND, kind), *_positions(lowered, kind)})

    def _find(self, column: int, value: str) -> Sequence[int]:
        """The positions of the rows with `value` in a column, or as a word of it; none for ""."""
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
