"""`MappingLookup`: mappings by each of their names."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from .mapping import RESTMapping

    _Index: TypeAlias = dict[str, list[RESTMapping]]


class MappingLookup:
    """Mappings in the order of their priority, found by any of their names."""

    def __init__(self, mappings: Iterable[RESTMapping]) -> None:
        self.mappings: list[RESTMapping] = []
        self._by_name: _Index = {}
        self._by_short_name: _Index = {}
        self._by_kind: _Index = {}
        self._by_category: _Index = {}
        for mapping in mappings:
            self.mappings.append(mapping)
            for index, keys in (
                (self._by_name, (mapping.plural, mapping.singular)),
                (self._by_short_name, mapping.short_names),
                (self._by_kind, (mapping.kind, mapping.kind.lower())),
                (self._by_category, mapping.categories),
            ):
                for key in filter(None, dict.fromkeys(keys)):
                    index.setdefault(key, []).append(mapping)

    def by_name(self, name: str) -> Sequence[RESTMapping]:
        """The mappings of the resources with this plural or singular name, best first."""
        return self._by_name.get(name, ())

    def by_short_name(self, name: str) -> Sequence[RESTMapping]:
        return self._by_short_name.get(name, ())

    def by_kind(self, kind: str) -> Sequence[RESTMapping]:
        """The mappings of a kind, in the letter case of the kind or in lower case."""
        return self._by_kind.get(kind, ())

    def by_category(self, category: str) -> Sequence[RESTMapping]:
        return self._by_category.get(category, ())

    def names(self) -> list[str]:
        """All that a resource can be asked for by, and the categories."""
        return list(dict.fromkeys([*self._by_name, *self._by_short_name, *self._by_category]))
