"""What a server says its groups and versions are called, without the names that are none: it may send anything."""

from __future__ import annotations

from .. import _log as log
from .group_version import GroupVersion
from .names import is_group_name, is_version_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .types import APIGroup, APIGroupList


def honest_groups(groups: APIGroupList, url: str, *, core: bool) -> list[APIGroup]:
    """The groups and versions whose names may become URLs and paths; the others are named in a warning."""
    honest = []
    for group in groups.groups:
        if (group.name != "") if core else not is_group_name(group.name):
            log.warning("ignoring the API group %s of %s: not a group's name", ascii(group.name[:80]), url)
            continue
        kept = []
        for version in group.versions:
            if not is_version_name(version.version):
                log.warning(
                    "ignoring the version %s of API group %r of %s: not a version's name",
                    ascii(version.version[:80]), group.name, url,
                )  # fmt: skip
                continue
            # Never the server's own spelling: it may differ from what it is made of.
            kept.append(version._replace(group_version=str(GroupVersion(group.name, version.version))))
        if group.versions and not kept:
            continue
        preferred = group.preferred_version
        if preferred.version:
            preferred = next((version for version in kept if version.version == preferred.version), kept[0])
        honest.append(group._replace(versions=tuple(kept), preferred_version=preferred))
    return honest


def is_honest(group_version: GroupVersion, *, core: bool) -> bool:
    named = group_version.group == "" if core else is_group_name(group_version.group)
    return named and is_version_name(group_version.version)
