"""The interfaces of discovery clients: the base client, the cached client that wraps it, the fake for tests.

`DiscoveryInterface`, `AggregatedDiscoveryInterface` and `CachedDiscoveryInterface` are client-go's. The others are
optional abilities, which a wrapper checks with `isinstance`. They are abstract classes, not protocols, because
importing `typing` takes as long as starting the interpreter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from ..index.search import IndexSearch
    from ..model.discovery_result import DiscoveryResult
    from ..model.types import APIGroup, APIGroupList, APIResourceList, VersionInfo
    from ..openapi.documents import OpenAPIV3
    from ..transport.base import DocumentTransport
    from ..transport.server_identity import ServerIdentity


class DiscoveryInterface(ABC):
    """A discovery client. All methods raise `DiscoveryError`."""

    @property
    @abstractmethod
    def server(self) -> str:
        """The URL of the API server; the cache folder is named after it."""

    @abstractmethod
    def server_groups(self) -> APIGroupList:
        """The groups, with their versions and preferred version.

        Raises `GroupDiscoveryFailed`, with the groups found, if some could not be listed.
        """

    @abstractmethod
    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, such as `apps/v1` or `v1`. Raises `NotFound`."""

    @abstractmethod
    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` if some group versions failed."""

    @abstractmethod
    def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` if some failed."""

    @abstractmethod
    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced resources of `server_preferred_resources`."""

    @abstractmethod
    def server_version(self) -> VersionInfo:
        """The server's version."""

    @abstractmethod
    def openapi_v3(self) -> OpenAPIV3:
        """The OpenAPI v3 documents."""

    @property
    def no_peer(self) -> bool:
        """Whether it lists only what the one API server that it asks serves itself: client-go's `NoPeerDiscovery`."""
        return False

    def with_legacy(self) -> DiscoveryInterface:
        """A copy of this client that requests only unaggregated documents: client-go's `WithLegacy`.

        A client that cannot do that, such as a cached one, returns itself.
        """
        return self

    def close(self) -> None:  # noqa: B027 - a client without connections and threads has nothing to close
        """Close all connections, and end all threads of this client. It may be closed and used again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AggregatedDiscoveryInterface(DiscoveryInterface):
    """A discovery client that can fetch groups and resources together."""

    @abstractmethod
    def groups_and_maybe_resources(self) -> DiscoveryResult:
        """The groups, and all resources if the server supports aggregated discovery: `missing` is then empty."""


class CachedDiscoveryInterface(DiscoveryInterface):
    """A discovery client with a cache."""

    @property
    @abstractmethod
    def fresh(self) -> bool:
        """True if everything used so far was fetched by this client since its creation or last `invalidate`.

        If a lookup misses while this is true, the caller need not invalidate and retry.
        """

    @abstractmethod
    def invalidate(self, group_version: str | None = None) -> None:
        """Use no document fetched before now, for one group version or for all. Makes no request."""

    def invalidate_locally(self) -> None:
        """As `invalidate()`, but a cache that other machines share stays as it is: this client alone asks anew."""
        self.invalidate()


class SharedDiscoveryInterface(AggregatedDiscoveryInterface):
    """A client whose answers may come from a cache that other machines fill too."""

    @abstractmethod
    def answering(self, since: float, accepts: Callable[[Sequence[ServerIdentity]], bool]) -> SharedAnswers:
        """What this client answers, but nothing requested before `since` (on the monotonic clock).

        If `since` is inf, nothing is shared. `accepts` says whether those who gave an answer to another machine are
        servers of the cluster.
        """

    @abstractmethod
    def invalidate(self, moment: float) -> None:
        """Share nothing requested before now, and tell the others; this client itself has invalidated at `moment`."""


class SharedAnswers(ABC):
    """The answers to one question to a `SharedDiscoveryInterface`."""

    # When the answer was requested, in seconds since the epoch and on the monotonic clock; None: by this client, now.
    asked: tuple[float, float] | None = None

    @abstractmethod
    def groups_and_maybe_resources(self) -> DiscoveryResult:
        """As of `AggregatedDiscoveryInterface`."""

    @abstractmethod
    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """As of `DiscoveryInterface`."""

    @abstractmethod
    def openapi_v3(self) -> OpenAPIV3:
        """As of `DiscoveryInterface`."""


class IndexedDiscoveryInterface(ABC):
    """A client with an index of all resources it holds."""

    @property
    @abstractmethod
    def resource_index(self) -> ResourceIndex:
        """The index."""


class ResourceIndex(ABC):
    """An index of all resources that a client holds. No method makes a request."""

    @abstractmethod
    def search(self) -> IndexSearch | None:
        """The table of all resources, if the index on disk matches the documents; else None."""

    @abstractmethod
    def write(self) -> bool:
        """Write the index unless it is current or a document is not on disk. Return whether it was written."""

    @abstractmethod
    def revision(self) -> int:
        """A number that changes when a used document is no longer valid. Rebuild derived data when it changes."""

    def checked_revision(self) -> int | None:
        """The revision, if no file needs to be checked for it; else None. Does no I/O."""
        return None


class ConnectedDiscoveryInterface(ABC):
    """A client with its own connections to the server."""

    @property
    @abstractmethod
    def transport(self) -> DocumentTransport:
        """The transport of its requests, usable for documents other than discovery. Raises `DiscoveryError`."""

    @abstractmethod
    def connect_ahead(self) -> None:
        """Start connecting, in threads. The request that needs the connection raises the error, if any."""

    @abstractmethod
    def close(self) -> None:
        """Close all connections; a later request opens new ones."""


class ClusterUIDInterface(ABC):
    """A client that can identify the cluster."""

    @abstractmethod
    def cluster_uid(self, connection: int | None = None) -> str:
        """The UID of the namespace kube-system, which identifies the cluster; "" if it cannot be read.

        With `connection` (`ServerIdentity.connection`), use that connection if it is still open.
        """

    @abstractmethod
    def priority_level_uids(self, connection: int | None = None) -> frozenset[str]:
        """The UIDs of the priority levels (KEP-1040); each response names one. Empty if they cannot be read."""
