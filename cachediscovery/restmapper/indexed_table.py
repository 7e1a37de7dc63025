"""`IndexedTable`: a `ResourceTable` on an index, in which only what is looked up is taken apart."""

from __future__ import annotations

from ..disk.index import (
    CATEGORIES,
    GROUP,
    KIND,
    NAMESPACED,
    PLURAL,
    SHORT_NAMES,
    SINGULAR,
    VERBS,
    VERSION,
    IndexColumns,
)
from .filed_mappings import FiledMappings
from .mapping import RESTMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from ..errors import DiscoveryError
    from ..schema import GroupVersion

    Row = tuple[str, ...]

# A lookup searches a few times.
_MANY = 100


class IndexedTable:
    """To whoever looks names up the same as the table of all documents."""

    def __init__(self, lines: str) -> None:
        """`lines` are those of an index (`disk.index`), which has them in the order of their priority."""
        self._columns = IndexColumns(lines)
        self._looked_up = 0
        self._filed: FiledMappings | None = None
        # Nothing that had failed has an index.
        self.failed: Mapping[GroupVersion, DiscoveryError] = {}
        # What was looked up before in this table, by the mapper's method and arguments.
        self.answers: dict[Any, Any] = {}

    def by_name(self, name: str) -> Sequence[RESTMapping]:
        """The mappings of the resources with this plural or singular name, best first."""
        return self._found(IndexColumns.by_name, FiledMappings.by_name, name)

    def by_short_name(self, name: str) -> Sequence[RESTMapping]:
        return self._found(IndexColumns.by_short_name, FiledMappings.by_short_name, name)

    def by_kind(self, kind: str) -> Sequence[RESTMapping]:
        """The mappings of a kind, in the letter case of the kind or in lower case."""
        return self._found(IndexColumns.by_kind, FiledMappings.by_kind, kind)

    def by_category(self, category: str) -> Sequence[RESTMapping]:
        return self._found(IndexColumns.by_category, FiledMappings.by_category, category)

    def names(self) -> list[str]:
        """All that a resource can be asked for by, and the categories."""
        return self._file().names()

    def _found(
        self,
        search: Callable[[IndexColumns, str], list[Row]],
        look_up: Callable[[FiledMappings, str], Sequence[RESTMapping]],
        name: str,
    ) -> Sequence[RESTMapping]:
        """What stands under a name: searched for, until so much was that filing all of it costs less."""
        self._looked_up += 1
        if self._looked_up > _MANY:
            return look_up(self._file(), name)
        return list(map(_mapping, search(self._columns, name)))

    def _file(self) -> FiledMappings:
        if self._filed is None:
            self._filed = FiledMappings(map(_mapping, self._columns))
        return self._filed


def _mapping(row: Row) -> RESTMapping:
    words = (_words(row[VERBS]), _words(row[SHORT_NAMES]), _words(row[CATEGORIES]))
    namespaced = row[NAMESPACED] == "true"
    return RESTMapping(row[GROUP], row[VERSION], row[PLURAL], row[SINGULAR], row[KIND], namespaced, *words)


def _words(field: str) -> tuple[str, ...]:
    return tuple(field.split(",")) if field else ()
