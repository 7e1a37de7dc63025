"""`ResourceTable`: all resources of a cluster, in the order of their priority."""

from __future__ import annotations

from ..schema import GroupVersion
from .filed_mappings import FiledMappings
from .mapping import RESTMapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from ..errors import DiscoveryError
    from ..types import APIGroup, APIResourceList


class ResourceTable(FiledMappings):
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
        super().__init__(mappings_of(groups, lists))
        self.failed = failed
        # What was looked up before in this table, by the mapper's method and arguments.
        self.answers: dict[Any, Any] = {}


def mappings_of(groups: Iterable[APIGroup], lists: Iterable[APIResourceList]) -> Iterator[RESTMapping]:
    """The mappings of all resources (no subresources), best first."""
    by_group_version = {resource_list.group_version: resource_list for resource_list in lists}
    for group_version in _by_priority(groups):
        resource_list = by_group_version.get(str(group_version))
        if resource_list is None:
            continue
        group, version = group_version
        for resource in resource_list.resources:
            plural, kind = resource.name, resource.kind
            if "/" in plural:
                continue
            # Servers before 1.11 or so do not tell the singular.
            singular = resource.singular_name or kind.lower()
            named = (resource.verbs, resource.short_names, resource.categories)
            yield RESTMapping(group, version, plural, singular, kind, resource.namespaced, *named)


def _by_priority(groups: Iterable[APIGroup]) -> list[GroupVersion]:
    core_v1 = GroupVersion("", "v1")
    ordered = [core_v1]
    for group in groups:
        preferred = group.preferred_version.version
        versions = sorted(group.versions, key=lambda version: version.version != preferred)
        ordered += [GroupVersion(group.name, version.version) for version in versions]
    return list(dict.fromkeys(ordered))
