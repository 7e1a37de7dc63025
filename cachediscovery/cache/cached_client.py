"""`CachedDiscoveryClient`: a discovery client with a cache on disk and in memory.

It combines client-go's `disk.CachedDiscoveryClient` and `memory.memCacheClient`, and adds what their users asked for:
one fetch for concurrent misses, nothing from before an invalidation, no partial listing cached as a complete one.
"""

from __future__ import annotations

import time

from .._concurrency import Lock, Once
from ..discovery.interfaces import (
    CachedDiscoveryInterface,
    ConnectedDiscoveryInterface,
    DiscoveryInterface,
    IndexedDiscoveryInterface,
    ResourceIndex,
    SharedDiscoveryInterface,
)
from ..disk.document_store import GROUPS, DocumentStore, open_store
from . import options_of
from .document_cache import DocumentCache
from .memory_layer import key_of
from .resource_index import CachedResourceIndex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self, Unpack

    from ..config.arguments import Duration, PathArgument
    from ..config.client_config import ClientConfig
    from ..config.overrides import ConfigOverrides
    from ..model.discovery_result import DiscoveryResult
    from ..model.types import APIGroup, APIGroupList, APIResourceList, VersionInfo
    from ..openapi.documents import OpenAPIV3
    from ..transport.options import TransportOptions
    from ..watching.watch import DiscoveryWatch
    from .cached_openapi import CachedOpenAPIV3
    from .document_fetcher import DocumentFetcher
    from .options import CacheKeywords, CacheOptions, ClientKeywords, ConfigKeywords
    from .stale_while_revalidate import BackgroundRevalidation


class CachedDiscoveryClient(CachedDiscoveryInterface, IndexedDiscoveryInterface):
    """Wraps a discovery client (`delegate`) and serves from a cache shared with kubectl.

    Safe for use by several threads, and by any number of processes on one folder. All methods raise `DiscoveryError`
    if a request was needed and failed. A cache that cannot be read or written costs only time.
    """

    def __init__(
        self,
        delegate: DiscoveryInterface,
        store: DocumentStore | None = None,
        cache: CacheOptions | None = None,
        *,
        revalidate: Callable[[], None] | None = None,
        **keywords: Unpack[CacheKeywords],
    ) -> None:
        """Make a client that keeps its files in `store`; without one, in `cache_dir`; without either, in memory only.

        Each option of `cache` may be given as a keyword. Call `revalidate` instead of refreshing in a thread when an
        expired document is served.
        """
        if not hasattr(delegate, "server_groups") or not isinstance(store, (DocumentStore, type(None))):
            from .options import refuse

            refuse(delegate, store)
        ttl, recheck_interval, stale_if_error, stale_while_revalidate, cache_dir, *shared = options_of(cache, keywords)
        if getattr(delegate, "no_peer", False):
            # What one API server serves itself is not for others.
            store = None
        elif store is None and cache_dir:
            store = open_store(delegate.server, cache_dir)
        self._delegate = delegate
        self._cache = DocumentCache(store, ttl, recheck_interval, stale_while_revalidate)
        self._index = CachedResourceIndex(self._cache)
        self._revalidation: BackgroundRevalidation | None = None
        if revalidate is not None:
            self._cache.on_expired = revalidate
        elif stale_while_revalidate:
            from .stale_while_revalidate import BackgroundRevalidation

            self._revalidation = BackgroundRevalidation(lambda: self.refresh(0, wait=False))
            self._cache.on_expired = self._revalidation.start
        self._stale_if_error = stale_if_error
        self._stale = max(stale_if_error, stale_while_revalidate)
        if shared[0]:
            from .sharing import shared_client

            self._delegate = shared_client(delegate, self._cache, shared[0], str(shared[1]), self._stale)
        self._times = (ttl, recheck_interval, stale_if_error, 0.0 if revalidate is not None else stale_while_revalidate)
        self._openapi_made: Once[CachedOpenAPIV3] = Once()
        # None before the first miss.
        self._fetcher_made: Once[DocumentFetcher] = Once()
        self._watches: list[DiscoveryWatch] = []
        self._watches_lock = Lock()

    @classmethod
    def for_config(
        cls,
        config: ClientConfig,
        cache: CacheOptions | None = None,
        *,
        options: TransportOptions | None = None,
        **keywords: Unpack[ConfigKeywords],
    ) -> Self:
        """Make a cached client for a config of `load_config`. Each field of both options may be a keyword."""
        from ..discovery.lazy_client import connected
        from .options import config_options

        cluster, cache, options, cache_dir = config_options(config, cache, options, keywords)
        return cls(*connected(cluster, lambda: config, cache_dir, options), cache)

    @classmethod
    def from_kubeconfig(
        cls,
        overrides: ConfigOverrides | PathArgument | None = None,
        cache: CacheOptions | None = None,
        *,
        options: TransportOptions | None = None,
        **keywords: Unpack[ClientKeywords],
    ) -> Self:
        """Make a cached client for the kubeconfig that `load_config(overrides)` would load; or for that path.

        The fields of `ConfigOverrides`, `CacheOptions` and `TransportOptions` may be given as keywords:
        `from_kubeconfig(context="viewer", ttl="10m")`. The server's URL is remembered until the kubeconfig files
        change. With a warm cache no kubeconfig is parsed and no connection made. Raises `ConfigError`.
        """
        from ..discovery.lazy_client import LazyConfig, connected
        from ..disk.layout import cache_root

        flags, cache_dir = None, ""
        if overrides is not None or cache is not None or options is not None or keywords:
            from .options import client_options

            flags, cache, options, cache_dir = client_options(overrides, cache, options, keywords)
        config = LazyConfig.for_overrides(flags, cache_root(cache_dir))
        return cls(*connected(config.cluster, config.load, cache_dir, options), cache)

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._delegate.server

    @property
    def no_peer(self) -> bool:
        """Whether the delegate lists only what one API server serves itself. Then the cache is in memory alone."""
        return getattr(self._delegate, "no_peer", False)

    @property
    def delegate(self) -> DiscoveryInterface:
        """The client that makes the requests on a miss."""
        return self._delegate

    @property
    def resource_index(self) -> ResourceIndex:
        """The index of all resources in this client's cache."""
        return self._index

    @property
    def fresh(self) -> bool:
        """Whether this client itself fetched everything it used since it was made or last invalidated."""
        return self._cache.fresh

    def invalidate(self, group_version: str | None = None) -> None:
        """Invalidate everything, or one group version: use nothing older than this moment. Makes no request."""
        moment = time.monotonic()
        self._cache.invalidate(None if group_version is None else key_of(group_version), moment)
        if isinstance(self._delegate, SharedDiscoveryInterface):
            self._delegate.invalidate(moment)
        elif isinstance(self._delegate, CachedDiscoveryInterface):
            self._delegate.invalidate(group_version)

    def invalidate_locally(self) -> None:
        """As `invalidate()`, but a cache that other machines share stays as it is: this client alone asks anew."""
        self._cache.invalidate(None)
        if isinstance(self._delegate, CachedDiscoveryInterface):
            self._delegate.invalidate_locally()

    def refresh(self, since: float | None = None, *, wait: bool = True) -> None:
        """Refresh everything the server serves, with conditional requests.

        Meanwhile other callers get what is cached. Skip the fetch if everything cached was fetched at or after `since`
        (seconds on `time.monotonic`); the default is now. Without `wait`, skip it also if another process is fetching.
        Raises `DiscoveryError`, but not for failed group versions.
        """
        self._fetcher.refresh(time.monotonic() if since is None else since, wait=wait)
        if self._openapi_made.made is not None:
            self._openapi_made.made.note_refresh()

    def watch(self, *, interval: Duration = 30.0, on_change: Callable[[], None] | None = None) -> DiscoveryWatch:
        """Keep the cache up to date while the program runs: a CRD added, changed or deleted is seen within a second.

        Watches CustomResourceDefinitions and APIServices. The credentials need the verbs `list` and `watch` on them;
        without these, a warning is logged and the watch sends conditional requests every `interval`.
        `on_change` is called, in a thread of the watch, when the documents differ from those this client holds now (if
        it holds none: the first it sees), or from those at its last call. The watch is also an iterator of these
        changes. Returns at once. It ends when it or this client is closed; it is also a context manager.
        """
        from .watches import begin_watch

        watch = begin_watch(self, self._delegate, self._cache, self._stale, interval, on_change)
        with self._watches_lock:
            self._watches = [known for known in self._watches if known.is_running] + [watch]
        return watch

    def close(self) -> None:
        """End the watches and the refresh in the background, and close the delegate."""
        with self._watches_lock:
            watches, self._watches = self._watches, []
        for watch in watches:
            watch.close()
        for made in (self._revalidation, self._openapi_made.made):
            if made is not None:
                made.close()
        if isinstance(self._delegate, DiscoveryInterface):
            self._delegate.close()

    def path(self, group_version: str | None = None) -> str:
        """The path of the file of the groups, or of one group version; "" without a cache on disk."""
        key = GROUPS if group_version is None else key_of(group_version)
        return self._cache.store.path(key) if self._cache.store is not None else ""

    def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with the groups found, if a part could not be listed."""
        found = self._cache.groups(allow_expired=True) or self._fetcher.groups()
        if not found.failed:
            return found.groups
        from ..model.listing import all_groups

        return all_groups(found)

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, such as `apps/v1` or `v1`. Raises `NotFound`."""
        # A fast path for the common case: programs call this for every lookup.
        found = self._cache.peek(group_version) if group_version else None
        if found is None:
            key = key_of(group_version)
            found = self._cache.resources(key, allow_expired=True)
            if found is None:
                return self._fetcher.resources(key)
        return found

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        """All groups and all resources. Raises `GroupDiscoveryFailed` if some group versions failed."""
        from ..model.listing import groups_and_resources

        return groups_and_resources(self._everything())

    def server_preferred_resources(self) -> list[APIResourceList]:
        """All resources, each in its preferred version. Raises `GroupDiscoveryFailed` if some failed."""
        from ..model.listing import preferred_resources

        return preferred_resources(self._everything())

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        """The namespaced resources of `server_preferred_resources`."""
        from ..model.listing import namespaced_only

        return namespaced_only(self.server_preferred_resources)

    def server_version(self) -> VersionInfo:
        """The server's version. Never cached, as in client-go's cached clients."""
        return self._fetcher.asker.ask(self._delegate.server_version)[0]

    def openapi_v3(self) -> OpenAPIV3:
        """The OpenAPI v3 documents: the index is cached for the TTL, a document while the index names its hash."""
        return self._openapi_made.get(self._make_openapi)

    @property
    def _fetcher(self) -> DocumentFetcher:
        """The fetcher, made on the first miss: without a miss, no code that makes requests is imported."""
        return self._fetcher_made.get(self._make_fetcher)

    def _make_fetcher(self) -> DocumentFetcher:
        if isinstance(self._delegate, ConnectedDiscoveryInterface):
            self._delegate.connect_ahead()
        # Imported while the handshakes are under way.
        from .document_fetcher import DocumentFetcher

        return DocumentFetcher(self._delegate, self._cache, self._stale_if_error)

    def _make_openapi(self) -> CachedOpenAPIV3:
        from .cached_openapi import CachedOpenAPIV3

        return CachedOpenAPIV3(self._delegate, lambda: self._fetcher, self._cache, *self._times)

    def _everything(self) -> DiscoveryResult:
        found = self._cache.get_all(allow_expired=True)
        return self._fetcher.everything() if found is None else found
