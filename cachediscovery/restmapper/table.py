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

# More names than a program has in its code. Beyond this all are looked up again, which costs microseconds each.
_MAX_ANSWERS = 1000


class ResourceTable:
    """The resources (no subresources) of some groups, found by any of their names, best first.

    The order is that of client-go's discovery REST mapper.
    """

    def __init__(self, found: DiscoveryResult) -> None:
        """Make the table of `found`, which lacks the resources of the group versions that failed."""
        from .rows import rows_of

        rows = rows_of(found)
        self._begin(IndexSearch([[row[at] for row in rows] for at in range(len(COLUMNS))]), found.failed)

    @classmethod
    def of_index(cls, search: IndexSearch) -> ResourceTable:
        """Make the table from an index, which is only written for a complete listing."""
        table = cls.__new__(cls)
        table._begin(search, {})
        return table

    def _begin(self, search: IndexSearch, failed: Mapping[GroupVersion, DiscoveryError]) -> None:
        self._search = search
        self.failed = failed
        # The URL of the API server, for messages.
        self.server = ""
        # Results of earlier lookups in this table, by the mapper's method and arguments.
        self.answers: dict[Any, Any] = {}

    def remember(self, key: Any, answer: Any) -> None:
        """Keep the result of a lookup, unless it is empty. Keeps at most `_MAX_ANSWERS`, to bound memory.

        Names come from a program's users, and one resource has unboundedly many: in any letter case, with any prefix of
        its group, with versions that it does not have. This table does not know which lookups those are.
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
        """The mappings of a kind, given in its letter case or in lower case."""
        return _mappings(self._search.by_kind(kind))

    def by_category(self, category: str) -> Sequence[RESTMapping]:
        """The mappings of the resources in this category, best first."""
        return _mappings(self._search.by_category(category))

    def kinds(self) -> list[str]:
        """All kinds."""
        return [kind for kind in dict.fromkeys(mapping.kind for mapping in _mappings(self._search)) if kind]

    def names(self) -> list[str]:
        """All names of resources (plural, singular, short), and all categories."""
        mappings = _mappings(self._search)
        named = [(mapping.plural, mapping.singular, *mapping.short_names, *mapping.categories) for mapping in mappings]
        return [name for name in dict.fromkeys(name for names in named for name in names) if name]


def _mappings(rows: Iterable[Row]) -> list[RESTMapping]:
    return list(map(RESTMapping.from_row, rows))
