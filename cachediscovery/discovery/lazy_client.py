"""Lazy objects that a warm cache never creates: the configuration, and the client that connects."""

from __future__ import annotations

from .._concurrency import Lock, Once
from ..disk.remembered import CLUSTER_FLAGS, RememberedCluster
from ..model.errors import DiscoveryError
from .interfaces import AggregatedDiscoveryInterface, ClusterUIDInterface, ConnectedDiscoveryInterface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config.client_config import ClientConfig
    from ..config.cluster import Cluster
    from ..config.overrides import ConfigOverrides
    from ..disk.document_store import DocumentStore
    from ..model.discovery_result import DiscoveryResult
    from ..model.types import APIGroup, APIGroupList, APIResourceList, VersionInfo
    from ..openapi.documents import OpenAPIV3
    from ..transport.base import DocumentTransport
    from ..transport.dialer import Dialer
    from ..transport.options import TransportOptions
    from .client import DiscoveryClient


class LazyConfig:
    """The configuration from flags and kubeconfig, read on first use. Methods raise `ConfigError` if it is unusable."""

    def __init__(
        self,
        remembered: RememberedCluster,
        overrides: Callable[[], ConfigOverrides],
        on_read: Callable[[ClientConfig], None] | None = None,
    ) -> None:
        """`remembered` belongs to the flags that `overrides()` returns. `overrides` is called on first use.

        If nothing is remembered, `on_read` is called with the configuration before anything is derived from it.
        """
        self._on_read = on_read
        self._remembered = remembered
        self._overrides = overrides
        # The context chosen first, kept even if the current context changes before the rest is read.
        self._context = ""
        self._cluster: Cluster | None = None
        self._loaded: ClientConfig | None = None

    @classmethod
    def for_overrides(cls, overrides: ConfigOverrides | None, root: str) -> LazyConfig:
        """The configuration that `load_config(overrides)` would return; `root` is the cache root."""
        if overrides is None:
            return cls(RememberedCluster(root), _no_overrides)
        values = [getattr(overrides, name.replace("-", "_")) for name in CLUSTER_FLAGS]
        flags = tuple(("true" if value else "") if isinstance(value, bool) else value for value in values)
        return cls(RememberedCluster(root, overrides.kubeconfig, flags), lambda: overrides)

    @property
    def cluster(self) -> Cluster:
        """The cluster, from the remembered record or from the configuration."""
        if self._cluster is None:
            found = self._remembered.load()
            if found is None:
                config = self._read()
                if self._on_read is not None:
                    self._on_read(config)
                from ..config.trust_fingerprint import cluster_of

                found = cluster_of(config)
                self._remembered.save(found)
            self._context = found.context
            self._cluster = found
        return self._cluster

    def load(self) -> ClientConfig:
        """Read the whole configuration, including credentials. Raises `ConfigChanged` if the cluster has changed."""
        known = self.cluster
        config = self._read()
        from ..config.trust_fingerprint import cluster_of

        found = cluster_of(config)
        if (found.server, found.trust_fingerprint, found.shares_url) != (
            known.server,
            known.trust_fingerprint,
            known.shares_url,
        ):
            from ..model.errors import ConfigChanged

            self._remembered.forget()
            raise ConfigChanged(
                f"the configuration of {known.server} changed since this client was created: create a new one"
            )
        return config

    def _read(self) -> ClientConfig:
        if self._loaded is None:
            from ..config.loading import load_config

            overrides = self._overrides()
            self._loaded = load_config(overrides._replace(context=self._context or overrides.context))
        return self._loaded


class LazyDiscoveryClient(AggregatedDiscoveryInterface, ConnectedDiscoveryInterface, ClusterUIDInterface):
    """A discovery client created on the first request. Until then it needs no session and no credentials."""

    def __init__(
        self,
        cluster: Cluster,
        config: Callable[[], ClientConfig],
        store: DocumentStore | None,
        options: TransportOptions | None = None,
        dialer: Dialer | None = None,
    ) -> None:
        """`config()` returns the configuration of `cluster`, or raises `DiscoveryError`.

        Responses are stored in the root of `store`, for conditional requests. `dialer` may already be connecting.
        """
        self._cluster = cluster
        self._config = config
        self._store = store
        self._options = options
        self._dialer = dialer
        # Empty before the first request. Threads that make it together must not each run an exec plugin.
        self._made: Once[DiscoveryClient] = Once()
        self._making = Lock()

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._cluster.server

    @property
    def no_peer(self) -> bool:
        """Whether it lists only what the one API server that it asks serves itself: client-go's `NoPeerDiscovery`."""
        return self._options is not None and self._options.no_peer

    @property
    def client(self) -> DiscoveryClient:
        """The base client, created on first use."""
        found = self._made.made
        if found is not None:
            return found
        with self._making:
            return self._made.get(self._make)

    @property
    def transport(self) -> DocumentTransport:
        """The transport that sends the requests."""
        return self.client.transport

    def connect_ahead(self) -> None:
        """Start connecting, in threads, before reading the configuration. Errors are ignored: requests raise them."""
        if self._made.made is not None:
            return
        if self._dialer is None:
            from ..transport.dialer import reach
            from ..transport.options import TransportOptions

            options = self._options or TransportOptions()
            self._dialer = reach(self._cluster.server, options, has_proxy=self._cluster.has_proxy)
        try:
            _ = self.client
        except DiscoveryError:
            if self._dialer is not None:
                self._dialer.close()

    def _make(self) -> DiscoveryClient:
        from ..transport.options import TransportOptions
        from ..transport.transport import Transport

        config = self._config()
        transport = Transport(config.server, self._options or TransportOptions(), config=config, dialer=self._dialer)
        transport.connect_ahead()
        # Import these during the handshakes.
        from ..transport.http_store import HTTPStore
        from .client import DiscoveryClient

        # Responses are stored by URL: if two clusters share one, their responses cannot be told apart.
        if self._store is not None and not config.shares_url:
            transport.responses = HTTPStore(self._store.root)
        return DiscoveryClient(transport, config.server, no_peer=self.no_peer)

    def with_legacy(self) -> DiscoveryClient:
        """A copy of the base client that requests only unaggregated documents: client-go's `WithLegacy`."""
        return self.client.with_legacy()

    def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        for made in (self._made.made, self._dialer):
            if made is not None:
                made.close()

    def cluster_uid(self, connection: int | None = None) -> str:
        """The UID of the namespace kube-system; "" if it cannot be read."""
        return self.client.cluster_uid(connection)

    def priority_level_uids(self, connection: int | None = None) -> frozenset[str]:
        """The UIDs of the priority levels (KEP-1040); empty if they cannot be read."""
        return self.client.priority_level_uids(connection)

    def groups_and_maybe_resources(self) -> DiscoveryResult:
        """The groups, and all resources if the server supports aggregated discovery."""
        return self.client.groups_and_maybe_resources()

    def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with the groups found, if some could not be listed."""
        return self.client.server_groups()

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, such as `apps/v1` or `v1`. Raises `NotFound`."""
        return self.client.server_resources_for_group_version(group_version)

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` if some group versions failed."""
        return self.client.server_groups_and_resources()

    def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` if some failed."""
        return self.client.server_preferred_resources()

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced resources of `server_preferred_resources`."""
        return self.client.server_preferred_namespaced_resources()

    def server_version(self) -> VersionInfo:
        """The server's version."""
        return self.client.server_version()

    def openapi_v3(self) -> OpenAPIV3:
        """The OpenAPI v3 documents."""
        return self.client.openapi_v3()


def connected(
    cluster: Cluster, config: Callable[[], ClientConfig], cache_dir: str, options: TransportOptions | None
) -> tuple[LazyDiscoveryClient, DocumentStore | None]:
    """A client for a cluster, and the store of the cluster's documents; None if there is no place for one.

    None also with `no_peer`: others use the store, for what all API servers of the cluster serve.
    """
    from ..disk.document_store import open_store

    store = open_store(cluster, cache_dir) if options is None or not options.no_peer else None
    return LazyDiscoveryClient(cluster, config, store, options), store


def _no_overrides() -> ConfigOverrides:
    from ..config.overrides import ConfigOverrides

    return ConfigOverrides()
