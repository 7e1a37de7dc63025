"""`DiscoveryResult`: the result of one discovery of a cluster."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import DiscoveryError
from .group_version import GroupVersion
from .records import NamedTuple
from .types import APIGroupList, APIResourceList


class DiscoveryResult(NamedTuple):
    """The groups, the resources of their versions, and the group versions that could not be discovered.

    `resources` is empty if only the groups were requested, and the server does not aggregate (KEP-3352). `failed` has
    the error of each group version that failed. A `Stale` one is not in `groups`. Two of its keys mean several group
    versions that could not be listed: `listing.CORE_GROUP` the core group's, `listing.ALL_GROUPS` all others.
    """

    groups: APIGroupList
    resources: Mapping[GroupVersion, APIResourceList] = {}
    failed: Mapping[GroupVersion, DiscoveryError] = {}

    @property
    def missing(self) -> list[GroupVersion]:
        """The listed group versions that were neither fetched nor failed."""
        return [key for key in self.groups.group_versions if key not in self.resources and key not in self.failed]

    @property
    def is_complete(self) -> bool:
        """Whether nothing failed and no resources are missing."""
        return not self.failed and not self.missing

    @property
    def lists(self) -> list[APIResourceList]:
        """The resource lists, in the order of the groups."""
        return [self.resources[key] for key in self.groups.group_versions if key in self.resources]
