"""What a warm cache never needs, made when it is first asked for: the configuration, and the client that connects."""

from __future__ import annotations

from .concurrency import made_once
from .errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .client import DiscoveryClient
    from .config.client_config import ClientConfig
    from .config.overrides import ConfigOverrides
    from .disk.store import DocumentStore
    from .openapi import OpenAPIV3
    from .transport.server_identity import ServerIdentity
    from .transport.transport import TransportOptions
    from .types import APIGroup, APIGroupList, APIResourceList, GroupsAndMaybeResources, VersionInfo


class LazyConfig:
    """A configuration whose cluster is known before it is read: remembered for the state of the kubeconfig files."""

    def __init__(self, overrides: ConfigOverrides | None, cache_dir: str = "") -> None:
        """Raises `ConfigError` where nothing is remembered, and the configuration cannot be used."""
        from .config.remembered import RememberedCluster, flags_of
        from .disk.folders import cache_root

        self._overrides = overrides
        # Whichever is the current one by the time that the rest is needed.
        self._context = ""
        self._loaded: ClientConfig | None = None
        remembered = RememberedCluster(
            cache_root(cache_dir), overrides.kubeconfig if overrides is not None else "", flags_of(overrides)
        )
        found = remembered.load()
        if found is None:
            from .config.authority import cluster_of

            found = cluster_of(self._read())
            remembered.save(found)
        else:
            self._context = found.context
        self.cluster = found

    def load(self) -> ClientConfig:
        """The whole configuration, credentials and all. Raises `ConfigError`."""
        config = self._read()
        from .config.authority import cluster_of

        found, known = cluster_of(config), self.cluster
        if (found.server, found.authority, found.shares_url) != (known.server, known.authority, known.shares_url):
            raise ConfigError(
                f"the kubeconfig now says something else of {known.server} than when this began: begin anew"
            )
        return config

    def _read(self) -> ClientConfig:
        if self._loaded is None:
            from .config.loading import load_config
            from .config.overrides import ConfigOverrides

            overrides = self._overrides or ConfigOverrides()
            self._loaded = load_config(overrides._replace(context=self._context or overrides.context))
        return self._loaded


class LazyDiscoveryClient:
    """A discovery client that is made on the first request: no session, no credentials before."""

    def __init__(
        self,
        server: str,
        config: Callable[[], ClientConfig],
        store: DocumentStore | None,
        options: TransportOptions | None = None,
    ) -> None:
        """`server` is that of the configuration that `config()` returns, or raises `DiscoveryError` for.

        Beside the documents of `store` the responses are kept that may be asked for conditionally.
        """
        self._server = server
        self._config = config
        self._store = store
        self._options = options
        # One, or none before the first request.
        self._made: dict[None, DiscoveryClient] = {}

    @property
    def server(self) -> str:
        return self._server

    @property
    def client(self) -> DiscoveryClient:
        """The real client."""
        return made_once(self._made, self._make)

    def _make(self) -> DiscoveryClient:
        from .client import DiscoveryClient
        from .disk.http_store import HTTPStore

        config = self._config()
        # They are filed by URL: where two clusters share one, there is no telling whose they are.
        kept = self._store is not None and not config.shares_url
        responses = HTTPStore(self._store.root) if self._store is not None and kept else None
        return DiscoveryClient.for_config(config, self._options, responses=responses)

    def take_identities(self) -> set[ServerIdentity]:
        made = self._made.get(None)
        return made.take_identities() if made is not None else set()

    def cluster_uid(self) -> str:
        return self.client.cluster_uid()

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
