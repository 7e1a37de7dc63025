"""The discovery documents as immutable, typed values, with the fields of apimachinery's `meta/v1` in snake case."""

from __future__ import annotations

from .group_version import GroupVersion
from .records import NamedTuple


class ServerAddressByClientCIDR(NamedTuple):
    """The server's address for clients of a network. Only in unaggregated discovery."""

    client_cidr: str
    server_address: str


class GroupVersionForDiscovery(NamedTuple):
    """One version of a group; `group_version` is `GROUP/VERSION`, or `VERSION` in the core group."""

    group_version: str
    version: str


class APIGroup(NamedTuple):
    """A group, its versions in the server's order, and its preferred version (empty strings if none)."""

    name: str
    versions: tuple[GroupVersionForDiscovery, ...]
    preferred_version: GroupVersionForDiscovery = GroupVersionForDiscovery("", "")
    server_address_by_client_cidrs: tuple[ServerAddressByClientCIDR, ...] = ()

    @property
    def group_versions(self) -> tuple[GroupVersion, ...]:
        """The group's versions, in the server's order."""
        return tuple(GroupVersion(self.name, version.version) for version in self.versions)


class APIGroupList(NamedTuple):
    """All groups: the core group first, then the others in the server's order."""

    groups: tuple[APIGroup, ...]

    @property
    def group_versions(self) -> tuple[GroupVersion, ...]:
        """Every group version, in order."""
        return tuple(group_version for group in self.groups for group_version in group.group_versions)


class APIResource(NamedTuple):
    """One resource, or one subresource (`name` is then `parent/sub`).

    `group` and `version` are those of the kind, and empty if they are the list's.
    `storage_version_hash` is only in unaggregated discovery.
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
    """The response of `/version` (apimachinery's `version.Info`)."""

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
