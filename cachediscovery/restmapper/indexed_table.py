"""`IndexedTable`: a `ResourceTable` on an index, in which only what is looked up is put together."""

from __future__ import annotations

from .mapping import RESTMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ..errors import DiscoveryError
    from ..index.search import IndexSearch, Row
    from ..schema import GroupVersion
    from .mapping_lookup import MappingLookup

# A lookup searches a few times.
_MANY = 100


class IndexedTable:
    """To whoever looks names up the same as the table of all documents."""

    def __init__(self, search: IndexSearch) -> None:
        self._search = search
        self._searches = 0
        self._lookup: MappingLookup | None = None
        # An index is only made of a complete listing.
        self.failed: Mapping[GroupVersion, DiscoveryError] = {}
        # What was looked up before in this table, by the mapper's method and arguments.
        self.answers: dict[Any, Any] = {}

    def by_name(self, name: str) -> Sequence[RESTMapping]:
        """The mappings of the resources with this plural or singular name, best first."""
        return self._whole().by_name(name) if self._is_searched_much() else _mappings(self._search.by_name(name))

    def by_short_name(self, name: str) -> Sequence[RESTMapping]:
        if self._is_searched_much():
            return self._whole().by_short_name(name)
        return _mappings(self._search.by_short_name(name))

    def by_kind(self, kind: str) -> Sequence[RESTMapping]:
        """The mappings of a kind, in the letter case of the kind or in lower case."""
        return self._whole().by_kind(kind) if self._is_searched_much() else _mappings(self._search.by_kind(kind))

    def by_category(self, category: str) -> Sequence[RESTMapping]:
        if self._is_searched_much():
            return self._whole().by_category(category)
        return _mappings(self._search.by_category(category))

    def names(self) -> list[str]:
        """All that a resource can be asked for by, and the categories."""
        return self._whole().names()

    def _is_searched_much(self) -> bool:
        """Count one search more; whether there were so many that a lookup of all mappings would have cost less."""
        self._searches += 1
        return self._searches > _MANY

    def _whole(self) -> MappingLookup:
        if self._lookup is None:
            from .mapping_lookup import MappingLookup

            self._lookup = MappingLookup(_mappings(self._search))
        return self._lookup


def _mappings(rows: Iterable[Row]) -> list[RESTMapping]:
    return list(map(RESTMapping.from_row, rows))
