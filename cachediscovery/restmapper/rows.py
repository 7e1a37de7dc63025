"""Makes the rows of the table of resources (`index.search`) from documents."""

from __future__ import annotations

from ..index.search import FALSE, GROUP, LISTED, PLURAL, TRUE, YES
from ..model.group_version import GroupVersion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..index.search import Row
    from ..model.discovery_result import DiscoveryResult
    from ..model.types import APIGroup


def rows_of(found: DiscoveryResult) -> list[Row]:
    """One row for each resource (no subresources), best first.

    The order is that of client-go's discovery REST mapper: the core group's v1, then each group in the server's order,
    with its preferred version before the others.
    """
    rows: list[Row] = []
    # The version listed for each resource: the preferred version, or else the first that has it.
    listed: dict[tuple[str, str], str] = {}
    for group_version in _by_priority(found.groups.groups):
        resource_list = found.resources.get(group_version)
        if resource_list is None:
            continue
        group, version = group_version
        for resource in resource_list.resources:
            plural = resource.name
            if "/" in plural:
                continue
            is_preferred = listed.setdefault((group, plural), version) == version
            rows.append(
                (
                    group,
                    version,
                    plural,
                    resource.singular_name,
                    resource.kind,
                    TRUE if resource.namespaced else FALSE,
                    ",".join(resource.verbs),
                    ",".join(resource.short_names),
                    ",".join(resource.categories),
                    resource.storage_version_hash,
                    YES if is_preferred and resource.verbs else "",
                    str(len(rows)),
                )
            )
    return rows


def in_listing_order(rows: Iterable[Row]) -> list[Row]:
    """Sort `rows` like `kubectl api-resources`, by group and name; those that it does not list come last."""
    return sorted(rows, key=lambda row: (row[LISTED] != YES, row[GROUP], row[PLURAL]))


def _by_priority(groups: Iterable[APIGroup]) -> list[GroupVersion]:
    core_v1 = GroupVersion("", "v1")
    ordered = [core_v1]
    for group in groups:
        preferred = group.preferred_version.version
        versions = sorted(group.versions, key=lambda version: version.version != preferred)
        ordered += [GroupVersion(group.name, version.version) for version in versions]
    return list(dict.fromkeys(ordered))
