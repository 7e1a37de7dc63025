"""The rules that find the resource and the field path in the argument of `kubectl explain`.

They differ from those of `kubectl get`: kinds are not looked at, versions are taken in the order in which they are
listed, and a group counts only after the exact plural. There, a core resource hides all others of its name.
"""

from __future__ import annotations

from ..index.search import (
    CATEGORIES,
    COLUMNS,
    GROUP,
    GROUP_VERSIONS,
    LISTED,
    NAMESPACED,
    PLURAL,
    RANK,
    STORAGE_HASH,
    VERBS,
    VERSION,
    IndexSearch,
)
from ..openapi.explain.errors import ExplainError
from ..openapi.explain.field_path import parse_path
from ..openapi.explain.go_text import quoted
from ..openapi.explain.nodes import NOT_ALL, NOT_FIRST, field_names, first_name
from . import name_rules as rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from ..index.index_file import Index

    # Group, version and plural.
    Resource: TypeAlias = tuple[str, str, str]

_UNREAD = {NAMESPACED, VERBS, CATEGORIES, STORAGE_HASH, LISTED}
# The sections of the index that `Resources.of_index` reads.
SECTIONS = (GROUP_VERSIONS, *(name for at, name in enumerate(COLUMNS) if at not in _UNREAD))
# The endings of the names that client-go makes up for the lists of each kind.
_LIST, _LISTS = "list", "lists"


class NoResource(ExplainError):
    """No resource has this name."""

    prefix = ""


class Resources:
    """The resources of a cluster. `group_versions` are in the order in which the server lists them."""

    def __init__(self, search: IndexSearch, group_versions: Sequence[str], warn: Callable[[str], None]) -> None:
        self._search = search
        known = (name.rpartition("/")[::2] for name in group_versions)
        # The core group comes first.
        self._order = {key: place for place, key in enumerate(sorted(known, key=lambda key: key[0] != ""))}
        self._warn = warn

    @classmethod
    def of_index(cls, index: Index, warn: Callable[[str], None]) -> Resources:
        """The resources in an index."""
        return cls(IndexSearch.of_index(index, _UNREAD), index.column(GROUP_VERSIONS), warn)

    def explained(self, argument: str) -> tuple[Resource, list[str]]:
        """The resource and the field path of an argument. Raises `ExplainError`."""
        nodes = parse_path(argument)
        found = self._named(first_name(nodes))
        for resource in found:
            group, _, plural = resource
            whole = f"{plural}.{group}" if group else plural
            # As in kubectl: a comparison of texts, and what follows is parsed again without its first node.
            if argument.startswith(whole):
                rest = argument[len(whole) :]
                return resource, field_names(parse_path(rest)[1:] if rest else [], NOT_FIRST)
        return found[0], field_names(nodes[1:], NOT_FIRST)

    def explained_as(self, argument: str, api_version: str) -> tuple[Resource, list[str]]:
        """The best resource of the name in an argument, put into another group version, and the field path."""
        nodes = parse_path(argument)
        name = first_name(nodes)
        found = self._named(name)
        best = min(found, key=self._by_preference())
        if [each[:2] for each in found].count(best[:2]) > 1:
            raise ExplainError(f"/, Resource={name} matches multiple resources [{' '.join(map(described, found))}]")
        path = field_names(nodes[1:], NOT_ALL)
        if api_version.count("/") > 1:
            raise ExplainError(f"unexpected GroupVersion string: {api_version}")
        group, _, version = api_version.rpartition("/")
        return (group, version, best[2]), path

    def _named(self, name: str) -> list[Resource]:
        """The resources with a plural, singular or short name, best first. Raises `ExplainError` if there is none."""
        expanded, group, _ = rules.expanded(self._search, name, "", "", self._warn)
        lowered = expanded.lower()
        if not lowered:
            raise ExplainError("a resource must be present, got: /, Resource=")
        rows = [row for row in self._search.by_name(lowered) if row[GROUP].startswith(group)]
        found = {(row[GROUP], row[VERSION], row[PLURAL]) for row in rows}
        if not group and lowered.endswith((_LIST, _LISTS)):
            found |= self._lists(lowered.removesuffix("s"))
        if not found:
            raise NoResource(f"the server doesn't have a resource type {quoted(name)}")
        last = len(self._order)
        return sorted(found, key=lambda resource: (self._order.get(resource[:2], last), resource[2]))

    def _lists(self, name: str) -> set[Resource]:
        """What client-go takes for resources of the name `name`: one for the lists of each kind, one for all lists."""
        if name == _LIST:
            return {(group, version, _LISTS) for group, version in self._order}
        rows = self._search.by_kind(name.removesuffix(_LIST))
        return {(row[GROUP], row[VERSION], f"{name}s") for row in rows}

    def _by_preference(self) -> Callable[[Resource], int]:
        """The order of resources with the preferred version of each group before its others."""
        best: dict[tuple[str, str], int] = {}
        for row in self._search:
            key = (row[GROUP], row[VERSION])
            best[key] = min(best.get(key, int(row[RANK])), int(row[RANK]))
        return lambda resource: best.get(resource[:2], len(best))


def described(resource: Resource) -> str:
    """A resource as Go prints a `GroupVersionResource`."""
    group, version, plural = resource
    return f"{group}/{version}, Resource={plural}"
