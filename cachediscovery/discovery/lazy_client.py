"""What a warm cache never needs, made when it is first asked for: the configuration, and the client that connects."""

from __future__ import annotations

from .._concurrency import Once
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
    from ..transport.base import DocumentTransport
    from ..transport.dialer import Dialer
    from ..transport.options import TransportOptions
    from .client import DiscoveryClient
    from .openapi import OpenAPIV3


class LazyConfig:
    """What flags and kubeconfig say, read when it is needed. Methods raise `ConfigError` where they cannot be used."""

    def __init__(
        self,
        remembered: RememberedCluster,
        overrides: Callable[[], ConfigOverrides],
        on_read: Callable[[ClientConfig], None] | None = None,
    ) -> None:
        """`remembered` is for the flags that `overrides()` returns, which is called when they are needed.

        Where nothing is remembered, `on_read` is called with the configuration before anything else is made of it.
        """
        self._on_read = on_read
        self._remembered = remembered
        self._overrides = overrides
        # The context that was chosen: whichever is the current one by the time that the rest is needed.
        self._context = ""
        self._cluster: Cluster | None = None
        self._loaded: ClientConfig | None = None

    @classmethod
    def for_overrides(cls, overrides: ConfigOverrides | None, root: str) -> LazyConfig:
        """The configuration that `load_config(overrides)` would return; `root` is the cache's."""
        if overrides is None:
            return cls(RememberedCluster(root), _no_overrides)
        values = [getattr(overrides, name.replace("-", "_")) for name in CLUSTER_FLAGS]
        flags = tuple(("true" if value else "") if isinstance(value, bool) else value for value in values)
        return cls(RememberedCluster(root, overrides.kubeconfig, flags), lambda: overrides)

    @property
    def cluster(self) -> Cluster:
        """The cluster, as remembered, or from the configuration."""
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
        """The whole configuration, credentials and all."""
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
                f"the kubeconfig now says something else of {known.server} than when this began: begin anew"
            )
        return config

    def _read(self) -> ClientConfig:
        if self._loaded is None:
            from ..config.loading import load_config

            overrides = self._overrides()
            self._loaded = load_config(overrides._replace(context=self._context or overrides.context))
        return self._loaded


class LazyDiscoveryClient(AggregatedDiscoveryInterface, ConnectedDiscoveryInterface, ClusterUIDInterface):
    """A discovery client that is made on the first request: no session, no credentials before."""

    def __init__(
        self,
        cluster: Cluster,
        config: Callable[[], ClientConfig],
        store: DocumentStore | None,
        options: TransportOptions | None = None,
        dialer: Dialer | None = None,
    ) -> None:
        """`cluster` is that of the configuration that `config()` returns, or raises `DiscoveryError` for.

        Beside the documents of `store` the responses are kept that may be asked for conditionally. A `dialer` may have
        begun to connect already.
        """
        self._cluster = cluster
        self._config = config
        self._store = store
        self._options = options
        self._dialer = dialer
        # One, or none before the first request.
        self._made: Once[DiscoveryClient] = Once()

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._cluster.server

    @property
    def client(self) -> DiscoveryClient:
        """The real client."""
        return self._made.get(self._make)

    @property
    def transport(self) -> DocumentTransport:
        """What the requests are made with."""
        return self.client.transport

    def connect_ahead(self) -> None:
        """Begin to connect, in threads, before the configuration is read; what fails, fails again in a request."""
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
        # While the handshakes are under way.
        from ..transport.http_store import HTTPStore
        from .client import DiscoveryClient

        # They are filed by URL: where two clusters share one, there is no telling whose they are.
        if self._store is not None and not config.shares_url:
            transport.responses = HTTPStore(self._store.root)
        return DiscoveryClient(transport, config.server)

    def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        made = self._made.made
        if made is not None:
            made.close()

    def cluster_uid(self, connection: int | None = None) -> str:
        """The UID of the namespace kube-system; "" where it may not be read."""
        return self.client.cluster_uid(connection)

    def priority_level_uids(self, connection: int | None = None) -> frozenset[str]:
        """The UIDs of the priority levels (KEP-1040); empty where they may not be read."""
        return self.client.priority_level_uids(connection)

    def groups_and_maybe_resources(self) -> DiscoveryResult:
        """The groups and, from a server that aggregates, all resources."""
        return self.client.groups_and_maybe_resources()

    def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with those that were found, where a part could not be listed."""
        return self.client.server_groups()

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, written `apps/v1` or `v1`. Raises `NotFound`."""
        return self.client.server_resources_for_group_version(group_version)

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` where some group versions failed."""
        return self.client.server_groups_and_resources()

    def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` where some failed."""
        return self.client.server_preferred_resources()

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced ones of `server_preferred_resources`."""
        return self.client.server_preferred_namespaced_resources()

    def server_version(self) -> VersionInfo:
        """The server's version."""
        return self.client.server_version()

    def openapi_v3(self) -> OpenAPIV3:
        """The OpenAPI v3 documents."""
        return self.client.openapi_v3()


def _no_overrides() -> ConfigOverrides:
    from ..config.overrides import ConfigOverrides

    return ConfigOverrides()
