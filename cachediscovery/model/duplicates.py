"""What a server lists twice is one thing: groups, versions and resources, each once, in the order of the server.

kubectl prints the second one as well. A name that is looked up stands for the first.
"""

from __future__ import annotations

from .. import _log as log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import APIGroup, APIResource


def each_group_once(groups: Sequence[APIGroup]) -> tuple[APIGroup, ...]:
    """Groups of one name become one, with the versions of all of them; the first one's preferred version counts."""
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
    """Of resources of one name the first."""
    first = {resource.name: resource for resource in reversed(resources)}
    if len(first) == len(resources):
        return tuple(resources)
    log.debug("%s lists some of its resources twice", group_version)
    return tuple(resource for resource in resources if first.get(resource.name) is resource)
