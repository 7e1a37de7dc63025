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
from .mapping import RESTMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..errors import DiscoveryError
    from ..schema import GroupVersion

    Row = tuple[str, ...]


class IndexedTable:
    """To whoever looks names up the same as the table of all documents."""

    def __init__(self, lines: str) -> None:
        """`lines` are those of an index (`disk.index`), which has them in the order of their priority."""
        self._columns = IndexColumns(lines)
        # Nothing that had failed has an index.
        self.failed: Mapping[GroupVersion, DiscoveryError] = {}
        # What was looked up before in this table, by the mapper's method and arguments.
        self.answers: dict[Any, Any] = {}

    def by_name(self, name: str) -> Sequence[RESTMapping]:
        """The mappings of the resources with this plural or singular name, best first."""
        return list(map(_mapping, self._columns.by_name(name)))

    def by_short_name(self, name: str) -> Sequence[RESTMapping]:
        return list(map(_mapping, self._columns.by_short_name(name)))

    def by_kind(self, kind: str) -> Sequence[RESTMapping]:
        """The mappings of a kind, in the letter case of the kind or in lower case."""
        return list(map(_mapping, self._columns.by_kind(kind)))

    def by_category(self, category: str) -> Sequence[RESTMapping]:
        return list(map(_mapping, self._columns.by_category(category)))

    def names(self) -> list[str]:
        """All that a resource can be asked for by, and the categories."""
        mappings = list(map(_mapping, self._columns))
        names = [name for mapping in mappings for name in (mapping.plural, mapping.singular)]
        short_names = [name for mapping in mappings for name in mapping.short_names]
        categories = [category for mapping in mappings for category in mapping.categories]
        return list(filter(None, dict.fromkeys([*names, *short_names, *categories])))


def _mapping(row: Row) -> RESTMapping:
    words = (_words(row[VERBS]), _words(row[SHORT_NAMES]), _words(row[CATEGORIES]))
    namespaced = row[NAMESPACED] == "true"
    return RESTMapping(row[GROUP], row[VERSION], row[PLURAL], row[SINGULAR], row[KIND], namespaced, *words)


def _words(field: str) -> tuple[str, ...]:
    return tuple(field.split(",")) if field else ()
