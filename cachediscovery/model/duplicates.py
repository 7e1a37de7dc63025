"""Removes duplicate groups, versions and resources from a server's lists, and keeps the server's order.

kubectl prints duplicates. A lookup of a name finds the first.
"""

from __future__ import annotations

from .. import _log as log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import APIGroup, APIResource


def each_group_once(groups: Sequence[APIGroup]) -> tuple[APIGroup, ...]:
    """Merge groups of the same name, with the versions of all of them and the preferred version of the first."""
    merged: dict[str, APIGroup] = {}
    for group in groups:
        known = merged.get(group.name)
        versions = (*(known.versions if known is not None else ()), *group.versions)
        once = tuple({version.version: version for version in reversed(versions)}.values())[::-1]
        if len(once) != len(group.versions):
            log.debug("the group %s is listed twice, or one of its versions", group.name)
        first = known if known is not None else group
        preferred = first.preferred_version if first.preferred_version.version else group.preferred_version
        merged[group.name] = first._replace(versions=once, preferred_version=preferred)
    return tuple(merged.values())


def each_resource_once(resources: Sequence[APIResource], group_version: str) -> tuple[APIResource, ...]:
    """Keep the first of several resources of the same name."""
    first = {resource.name: resource for resource in reversed(resources)}
    if len(first) == len(resources):
        return tuple(resources)
    log.debug("%s lists some of its resources twice", group_version)
    return tuple(resource for resource in resources if first.get(resource.name) is resource)
