"""What a warm cache never needs, made when it is first asked for: the configuration, and the client that connects."""

from __future__ import annotations

from .concurrency import made_once
from .disk.remembered import CLUSTER_FLAGS, RememberedCluster
from .errors import DiscoveryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .client import DiscoveryClient
    from .config.client_config import ClientConfig
    from .config.cluster import Cluster
    from .config.overrides import ConfigOverrides
    from .disk.store import DocumentStore
    from .openapi import OpenAPIV3
    from .transport.dialer import Dialer
    from .transport.options import TransportOptions
    from .types import APIGroup, APIGroupList, APIResourceList, GroupsAndMaybeResources, VersionInfo


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
                from .config.authority import cluster_of

                found = cluster_of(config)
                self._remembered.save(found)
            self._context = found.context
            self._cluster = found
        return self._cluster

    def load(self) -> ClientConfig:
        """The whole configuration, credentials and all."""
        known = self.cluster
        config = self._read()
        from .config.authority import cluster_of

        found = cluster_of(config)
        if (found.server, found.authority, found.shares_url) != (known.server, known.authority, known.shares_url):
            from .errors import ConfigChanged

            self._remembered.forget()
            raise ConfigChanged(
                f"the kubeconfig now says something else of {known.server} than when this began: begin anew"
            )
        return config

    def _read(self) -> ClientConfig:
        if self._loaded is None:
            from .config.loading import load_config

            overrides = self._overrides()
            self._loaded = load_config(overrides._replace(context=self._context or overrides.context))
        return self._loaded


class LazyDiscoveryClient:
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
        self._made: dict[None, DiscoveryClient] = {}

    @property
    def server(self) -> str:
        return self._cluster.server

    @property
    def client(self) -> DiscoveryClient:
        """The real client."""
        return made_once(self._made, self._make)

    def connect_ahead(self) -> None:
        """Begin to connect, in threads, before the configuration is read; what fails, fails again in a request."""
        if self._made:
            return
        if self._dialer is None:
            from .transport.dialer import reach
            from .transport.options import TransportOptions

            options = self._options or TransportOptions()
            self._dialer = reach(self._cluster.server, options, has_proxy=self._cluster.has_proxy)
        try:
            _ = self.client
        except DiscoveryError:
            if self._dialer is not None:
                self._dialer.close()

    def _make(self) -> DiscoveryClient:
        from .transport.options import TransportOptions
        from .transport.transport import Transport

        config = self._config()
        transport = Transport(config.server, self._options or TransportOptions(), config=config, dialer=self._dialer)
        transport.connect_ahead()
        # While the handshakes are under way.
        from .client import DiscoveryClient
        from .disk.http_store import HTTPStore

        # They are filed by URL: where two clusters share one, there is no telling whose they are.
        if self._store is not None and not config.shares_url:
            transport.responses = HTTPStore(self._store.root)
        return DiscoveryClient(transport, config.server)

    def close(self) -> None:
        made = self._made.get(None)
        if made is not None:
            made.close()

    def reconnect(self) -> None:
        self.client.reconnect()

    def prepare(self) -> None:
        self.client.prepare()

    def cluster_uid(self, connection: int | None = None) -> str:
        return self.client.cluster_uid(connection)

    def priority_level_uids(self, connection: int | None = None) -> frozenset[str]:
        return self.client.priority_level_uids(connection)

    def groups_and_maybe_resources(self) -> GroupsAndMaybeResources:
        return self.client.groups_and_maybe_resources()

    def server_groups(self) -> APIGroupList:
        return self.client.server_groups()

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        return self.client.server_resources_for_group_version(group_version)

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        return self.client.server_groups_and_resources()

    def server_preferred_resources(self) -> list[APIResourceList]:
        return self.client.server_preferred_resources()

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        return self.client.server_preferred_namespaced_resources()

    def server_version(self) -> VersionInfo:
        return self.client.server_version()

    def openapi_v3(self) -> OpenAPIV3:
        return self.client.openapi_v3()


def _no_overrides() -> ConfigOverrides:
    from .config.overrides import ConfigOverrides

    return ConfigOverrides()
