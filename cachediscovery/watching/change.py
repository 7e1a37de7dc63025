"""`DiscoveryChange`: what differs between two listings of a cluster."""

from __future__ import annotations

from ..model.group_version import GroupVersion, GroupVersionResource
from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..model.types import APIGroupList, APIResource, APIResourceList

# The key of the group list; every other key is a group version.
GROUPS = ""


class Failed(NamedTuple):
    """In place of the resources of a group version that cannot be listed now: what they were before."""

    before: object


class DiscoveryChange(NamedTuple):
    """What a cluster serves now and did not serve before, or the reverse.

    `groups` are the names of groups that were added or removed, or whose versions or preferred version changed.
    `modified` resources changed their kind, scope, names, categories, verbs or subresources. The resources of the group
    versions in `failed` cannot be listed now, and count as unchanged. All may be empty: something else has changed,
    such as the order of the groups.
    """

    groups: tuple[str, ...] = ()
    added: tuple[GroupVersionResource, ...] = ()
    modified: tuple[GroupVersionResource, ...] = ()
    removed: tuple[GroupVersionResource, ...] = ()
    failed: tuple[GroupVersion, ...] = ()


def differs(known: Mapping[str, object], now: Mapping[str, object]) -> bool:
    """Whether a document of `known` is another one now, or is gone."""
    return any(now.get(key) != value for key, value in known.items())


def change_between(before: Mapping[str, object], now: Mapping[str, object]) -> DiscoveryChange:
    """The change from one listing to another: the group list by `GROUPS`, resource lists by group version."""
    old, new = _resources(before), _resources(now)
    old_groups, new_groups = _groups(before), _groups(now)
    return DiscoveryChange(
        groups=tuple(name for name in {**old_groups, **new_groups} if old_groups.get(name) != new_groups.get(name)),
        added=tuple(resource for resource in new if resource not in old),
        modified=tuple(resource for resource in new if resource in old and new[resource] != old[resource]),
        removed=tuple(resource for resource in old if resource not in new),
        failed=tuple(GroupVersion.parse(key) for key, value in now.items() if isinstance(value, Failed)),
    )


def _groups(documents: Mapping[str, object]) -> dict[str, object]:
    groups: APIGroupList | None = documents.get(GROUPS)  # type: ignore[assignment]
    return {group.name: group for group in groups.groups} if groups is not None else {}


def _resources(documents: Mapping[str, object]) -> dict[GroupVersionResource, list[APIResource]]:
    """The resources with their subresources."""
    found: dict[GroupVersionResource, list[APIResource]] = {}
    for key, document in documents.items():
        if key == GROUPS:
            continue
        group_version = GroupVersion.parse(key)
        listed: Any = document.before if isinstance(document, Failed) else document
        known: APIResourceList | None = listed
        for resource in known.resources if known is not None else ():
            name = group_version.with_resource(resource.name.partition("/")[0])
            found.setdefault(name, []).append(_comparable(resource, group_version))
    return {name: sorted(resources) for name, resources in found.items()}


def _comparable(resource: APIResource, group_version: GroupVersion) -> APIResource:
    """The same for aggregated and unaggregated discovery, of which each leaves something out."""
    if (resource.group, resource.version) == group_version:
        resource = resource._replace(group="", version="")
    return resource._replace(storage_version_hash="")
