"""The interfaces of discovery clients: the base client, the cached client that wraps it, the fake one for tests.

`DiscoveryInterface`, `AggregatedDiscoveryInterface` and `CachedDiscoveryInterface` are client-go's. The others are the
optional abilities that a wrapper asks for with `isinstance`. They are abstract classes and no protocols: `typing` takes
as long to import as an interpreter takes to start.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..index.search import IndexSearch
    from ..model.discovery_result import DiscoveryResult
    from ..model.types import APIGroup, APIGroupList, APIResourceList, VersionInfo
    from ..transport.base import DocumentTransport
    from .openapi import OpenAPIV3


class DiscoveryInterface(ABC):
    """A discovery client. All methods raise `DiscoveryError`."""

    @property
    @abstractmethod
    def server(self) -> str:
        """The URL of the API server; the cache folder is named after it."""

    @abstractmethod
    def server_groups(self) -> APIGroupList:
        """The groups, with their versions and the preferred one.

        Raises `GroupDiscoveryFailed`, with the groups that were found, where a part could not be listed.
        """

    @abstractmethod
    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, written `apps/v1` or `v1`. Raises `NotFound`."""

    @abstractmethod
    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` where some group versions failed."""

    @abstractmethod
    def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` where some failed."""

    @abstractmethod
    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced ones of `server_preferred_resources`."""

    @abstractmethod
    def server_version(self) -> VersionInfo:
        """The server's version."""

    @abstractmethod
    def openapi_v3(self) -> OpenAPIV3:
        """The OpenAPI v3 documents."""


class AggregatedDiscoveryInterface(DiscoveryInterface):
    """A discovery client that can get everything in one go."""

    @abstractmethod
    def groups_and_maybe_resources(self) -> DiscoveryResult:
        """The groups and, from a server that aggregates, all resources: `missing` is then empty."""


class CachedDiscoveryInterface(DiscoveryInterface):
    """A discovery client that remembers."""

    @property
    @abstractmethod
    def fresh(self) -> bool:
        """True when everything used so far was fetched by this client since it was made or last invalidated.

        A caller who finds nothing while this is true need not invalidate and try again.
        """

    @abstractmethod
    def invalidate(self, group_version: str | None = None) -> None:
        """Use nothing older than this moment, of everything or of one group version. Makes no request."""


class IndexedDiscoveryInterface(ABC):
    """A client that has an index of all resources it holds."""

    @property
    @abstractmethod
    def resource_index(self) -> ResourceIndex:
        """The index."""


class ResourceIndex(ABC):
    """An index of all resources that a client holds. No method makes a request."""

    @abstractmethod
    def search(self) -> IndexSearch | None:
        """The table of all resources, where the index on disk says what all documents would; else None."""

    @abstractmethod
    def write(self) -> bool:
        """Write the index, unless it holds already or a document is not on disk; whether it was written."""

    @abstractmethod
    def revision(self) -> int:
        """A number that changes when a document used before no longer holds. Rebuild derived data when it changes."""


class ConnectedDiscoveryInterface(ABC):
    """A client that has connections of its own to the server."""

    @property
    @abstractmethod
    def transport(self) -> DocumentTransport:
        """What its requests are made with, for other documents than those of discovery. Raises `DiscoveryError`."""

    @abstractmethod
    def connect_ahead(self) -> None:
        """Begin to connect, in threads. An error is raised by the request that needs the connection."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections; a later request opens new ones."""


class ClusterUIDInterface(ABC):
    """A client that can tell clusters apart."""

    @abstractmethod
    def cluster_uid(self, connection: int | None = None) -> str:
        """The UID of the namespace kube-system, which identifies the cluster; "" where it may not be read.

        With `connection` (`ServerIdentity.connection`) it is asked for on that connection, if it is still open.
        """

    @abstractmethod
    def priority_level_uids(self, connection: int | None = None) -> frozenset[str]:
        """The UIDs of the priority levels (KEP-1040); each response names one. Empty where they may not be read."""
