"""`ResourceTable`: all resources of a cluster in the order of their priority, and where their names lead."""

from __future__ import annotations

from ..schema import GroupVersion
from .mapping import RESTMapping
from .rules import file_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ..errors import DiscoveryError
    from ..types import APIGroup, APIResourceList


class ResourceTable:
    """The resources (no subresources) of some groups, best first.

    The order is that of client-go's discovery REST mapper: the core group's v1, then each group in the
    server's order, its preferred version before the others.
    """

    def __init__(
        self,
        groups: Iterable[APIGroup],
        lists: Iterable[APIResourceList],
        failed: Mapping[GroupVersion, DiscoveryError],
    ) -> None:
        """`failed` are the group versions that could not be discovered: nothing is said of what they hold."""
        self.failed = failed
        self.mappings: list[RESTMapping] = []
        # By plural and singular name; by short name; by kind, also in lower case; by category.
        self.by_name: dict[str, list[RESTMapping]] = {}
        self.by_short_name: dict[str, list[RESTMapping]] = {}
        self.by_kind: dict[str, list[RESTMapping]] = {}
        self.by_category: dict[str, list[RESTMapping]] = {}
        # What was looked up before in this table, by the mapper's method and arguments.
        self.answers: dict[Any, Any] = {}
        by_group_version = {resource_list.group_version: resource_list for resource_list in lists}
        for group_version in _by_priority(groups):
            resource_list = by_group_version.get(str(group_version))
            if resource_list is not None:
                self._add_all(group_version, resource_list)

    @classmethod
    def from_index(cls, lines: str) -> ResourceTable:
        """The table of all groups, from the lines of an index (`disk.index`), which stand in its order."""
        table = cls((), (), {})
        for line in lines.splitlines():
            group, version, plural, singular, kind, namespaced, verbs, short_names, categories, _ = line.split("\t")
            named = (_words(verbs), _words(short_names), _words(categories))
            table._add(RESTMapping(group, version, plural, singular, kind, namespaced == "true", *named))
        return table

    def _add_all(self, group_version: GroupVersion, resource_list: APIResourceList) -> None:
        group, version = group_version
        for resource in resource_list.resources:
            plural, kind = resource.name, resource.kind
            if "/" in plural:
                continue
            # Servers before 1.11 or so do not tell the singular.
            singular = resource.singular_name or kind.lower()
            named = (resource.verbs, resource.short_names, resource.categories)
            self._add(RESTMapping(group, version, plural, singular, kind, resource.namespaced, *named))

    def _add(self, mapping: RESTMapping) -> None:
        self.mappings.append(mapping)
        file_row(mapping, mapping.short_names, self.by_name, self.by_short_name, self.by_kind)
        for category in dict.fromkeys(mapping.categories):
            self.by_category.setdefault(category, []).append(mapping)


def _words(field: str) -> tuple[str, ...]:
    return tuple(field.split(",")) if field else ()


def _by_priority(groups: Iterable[APIGroup]) -> list[GroupVersion]:
    core_v1 = GroupVersion("", "v1")
    ordered = [core_v1]
    for group in groups:
        preferred = group.preferred_version.version
        versions = sorted(group.versions, key=lambda version: version.version != preferred)
        ordered += [GroupVersion(group.name, version.version) for version in versions]
    return list(dict.fromkeys(ordered))
