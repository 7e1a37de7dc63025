"""`ResourceTable`: all resources of a cluster, in the order of their priority."""

from __future__ import annotations

from ..index.search import COLUMNS, IndexSearch
from .mapping import RESTMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ..index.search import Row
    from ..model.discovery_result import DiscoveryResult
    from ..model.errors import DiscoveryError
    from ..model.group_version import GroupVersion

# More than a program has names in its code. Beyond, all of them are looked up again, which costs microseconds each.
_MAX_ANSWERS = 1000


class ResourceTable:
    """The resources (no subresources) of some groups by any of their names, best first.

    The order is that of client-go's discovery REST mapper.
    """

    def __init__(self, found: DiscoveryResult) -> None:
        """Nothing is said of the group versions that failed, and of what they hold."""
        from .rows import rows_of

        rows = rows_of(found)
        self._begin(IndexSearch([[row[at] for row in rows] for at in range(len(COLUMNS))]), found.failed)

    @classmethod
    def of_index(cls, search: IndexSearch) -> ResourceTable:
        """The table of an index, which is only made of a complete listing."""
        table = cls.__new__(cls)
        table._begin(search, {})
        return table

    def _begin(self, search: IndexSearch, failed: Mapping[GroupVersion, DiscoveryError]) -> None:
        self._search = search
        self.failed = failed
        # What was looked up before in this table, by the mapper's method and arguments.
        self.answers: dict[Any, Any] = {}

    def remember(self, key: Any, answer: Any) -> None:
        """Keep an answer. What found nothing is not kept, and of the rest so much: memory is bounded.

        Names come from a program's users, and one resource has more names than can be kept: in any letter case, with a
        part of its group, with versions that it does not have. Which lookups those are is not for this to know.
        """
        if not answer:
            return
        if len(self.answers) >= _MAX_ANSWERS:
            self.answers.clear()
        self.answers[key] = answer

    def by_name(self, name: str) -> Sequence[RESTMapping]:
        """The mappings of the resources with this plural or singular name, best first."""
        return _mappings(self._search.by_name(name))

    def by_short_name(self, name: str) -> Sequence[RESTMapping]:
        """The mappings of the resources with this short name, best first."""
        return _mappings(self._search.by_short_name(name))

    def by_kind(self, kind: str) -> Sequence[RESTMapping]:
        """The mappings of a kind, in the letter case of the kind or in lower case."""
        return _mappings(self._search.by_kind(kind))

    def by_category(self, category: str) -> Sequence[RESTMapping]:
        """The mappings of the resources in this category, best first."""
        return _mappings(self._search.by_category(category))

    def names(self) -> list[str]:
        """All that a resource can be asked for by, and the categories."""
        mappings = _mappings(self._search)
        named = [(mapping.plural, mapping.singular, *mapping.short_names, *mapping.categories) for mapping in mappings]
        return [name for name in dict.fromkeys(name for names in named for name in names) if name]


def _mappings(rows: Iterable[Row]) -> list[RESTMapping]:
    return list(map(RESTMapping.from_row, rows))
