"""The discovery documents as values: immutable, typed, without I/O.

The fields are those of apimachinery's `meta/v1`, in snake case.
"""

from __future__ import annotations

from .group_version import GroupVersion
from .records import NamedTuple


class ServerAddressByClientCIDR(NamedTuple):
    """Where clients of a network reach the server; only unaggregated discovery tells it."""

    client_cidr: str
    server_address: str


class GroupVersionForDiscovery(NamedTuple):
    """One version of a group; `group_version` is `GROUP/VERSION`, or `VERSION` in the core group."""

    group_version: str
    version: str


class APIGroup(NamedTuple):
    """A group, its versions in the server's order, and the version it prefers (empty strings: none)."""

    name: str
    versions: tuple[GroupVersionForDiscovery, ...]
    preferred_version: GroupVersionForDiscovery = GroupVersionForDiscovery("", "")
    server_address_by_client_cidrs: tuple[ServerAddressByClientCIDR, ...] = ()

    @property
    def group_versions(self) -> tuple[GroupVersion, ...]:
        """The group's versions, in the server's order."""
        return tuple(GroupVersion(self.name, version.version) for version in self.versions)


class APIGroupList(NamedTuple):
    """All groups, the core group first, the others in the server's order."""

    groups: tuple[APIGroup, ...]

    @property
    def group_versions(self) -> tuple[GroupVersion, ...]:
        """Every group version, in order."""
        return tuple(group_version for group in self.groups for group_version in group.group_versions)


class APIResource(NamedTuple):
    """One resource, or one subresource (`name` is then `parent/sub`).

    `group` and `version` are those of the kind, and empty where they are the list's own.
    `storage_version_hash` is told by unaggregated discovery alone.
    """

    name: str
    singular_name: str
    namespaced: bool
    kind: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    storage_version_hash: str = ""


class APIResourceList(NamedTuple):
    """The resources of one group version, in the server's order."""

    group_version: str
    resources: tuple[APIResource, ...]


class VersionInfo(NamedTuple):
    """What `/version` answers (apimachinery's `version.Info`)."""

    major: str = ""
    minor: str = ""
    git_version: str = ""
    git_commit: str = ""
    git_tree_state: str = ""
    build_date: str = ""
    go_version: str = ""
    compiler: str = ""
    platform: str = ""
    emulation_major: str = ""
    emulation_minor: str = ""
    min_compatibility_major: str = ""
    min_compatibility_minor: str = ""
