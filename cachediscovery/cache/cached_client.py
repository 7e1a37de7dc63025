"""`CachedDiscoveryClient`: a discovery client with a cache on disk and in memory.

It combines client-go's `disk.CachedDiscoveryClient` and `memory.memCacheClient`, and adds what their users asked for:
concurrent misses cause one fetch, no document from before an invalidation is used, and a partial listing is never
cached as a complete one.
"""

from __future__ import annotations

import time

from .._concurrency import Once
from ..discovery.interfaces import (
    CachedDiscoveryInterface,
    ConnectedDiscoveryInterface,
    IndexedDiscoveryInterface,
    ResourceIndex,
)
from ..disk.document_store import GROUPS
from ..disk.layout import DEFAULT_TTL
from ..model.records import NamedTuple
from .document_cache import DocumentCache
from .resource_index import CachedResourceIndex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import TypedDict, Unpack

    from ..config.client_config import ClientConfig
    from ..config.overrides import ConfigOverrides
    from ..discovery.interfaces import DiscoveryInterface
    from ..disk.document_store import DocumentStore
    from ..model.discovery_result import DiscoveryResult
    from ..model.types import APIGroup, APIGroupList, APIResourceList, VersionInfo
    from ..openapi.documents import OpenAPIV3
    from ..transport.options import TransportOptions
    from ..watching.watch import DiscoveryWatch
    from .cached_openapi import CachedOpenAPIV3
    from .document_fetcher import DocumentFetcher

    class CacheKeywords(TypedDict, total=False):
        """The fields of `CacheOptions` as keywords."""

        ttl: float
        recheck_interval: float
        stale_if_error: float
        stale_while_revalidate: float
        cache_dir: str


class CacheOptions(NamedTuple):
    """How long cached documents are used, and where they are kept. All times are in seconds.

    A document is fresh for `ttl`; the default is kubectl's six hours. Within `recheck_interval` of the last check of a
    file, calls are served from memory without checking whether another process has replaced or removed it. For
    `stale_if_error` after it expired, a document is used, with a warning, if the server cannot be reached. For
    `stale_while_revalidate` after it expired, it is served at once, and refreshed in a thread (RFC 5861). `cache_dir`
    is the root of the cache; the default is kubectl's.
    """

    ttl: float = DEFAULT_TTL
    recheck_interval: float = 1.0
    stale_if_error: float = 0.0
    stale_while_revalidate: float = 0.0
    cache_dir: str = ""

    def updated(self, keywords: CacheKeywords) -> CacheOptions:
        """Replace the options given in `keywords`. Raises `TypeError` for an unknown keyword."""
        for name in keywords:
            if name not in self._fields:
                raise TypeError(f"{name!r} is not an option of the cache: use one of {', '.join(self._fields)}")
        return self._replace(**keywords)


class CachedDiscoveryClient(CachedDiscoveryInterface, IndexedDiscoveryInterface):
    """Wraps a discovery client (`delegate`) and serves from a cache shared with kubectl.

    Safe for use by several threads, and by any number of processes on one folder. All methods raise `DiscoveryError`
    if a request was needed and failed. A cache that cannot be read or written costs only time.
    """

    def __init__(
        self,
        delegate: DiscoveryInterface,
        store: DocumentStore | None = None,
        cache: CacheOptions = CacheOptions(),
        *,
        revalidate: Callable[[], None] | None = None,
        **keywords: Unpack[CacheKeywords],
    ) -> None:
        """Make a client that keeps its files in `store`; None keeps documents in memory only. Ignores `cache_dir`.

        Each option of `cache` may be given as a keyword. Call `revalidate` instead of refreshing in a thread when an
        expired document is served.
        """
        cache = cache.updated(keywords)
        self._delegate = delegate
        self._cache = DocumentCache(store, cache.ttl, cache.recheck_interval, cache.stale_while_revalidate)
        self._index = CachedResourceIndex(self._cache)
        if revalidate is not None:
            self._cache.on_expired = revalidate
        elif cache.stale_while_revalidate:
            from .stale_while_revalidate import BackgroundRevalidation

            self._cache.on_expired = BackgroundRevalidation(lambda: self.refresh(0, wait=False)).start
        self._stale_if_error = cache.stale_if_error
        self._stale = max(cache.stale_if_error, cache.stale_while_revalidate)
        self._options = cache if revalidate is None else cache._replace(stale_while_revalidate=0.0)
        self._openapi_made: Once[CachedOpenAPIV3] = Once()
        # None before the first miss.
        self._fetcher_made: Once[DocumentFetcher] = Once()

    @classmethod
    def for_config(
        cls,
        config: ClientConfig,
        cache: CacheOptions = CacheOptions(),
        *,
        options: TransportOptions | None = None,
        **keywords: Unpack[CacheKeywords],
    ) -> CachedDiscoveryClient:
        """Make a cached client for a config that `load_config` returned; `options` are for its requests."""
        from ..config.trust_fingerprint import cluster_of
        from ..discovery.lazy_client import LazyDiscoveryClient
        from ..disk.document_store import open_store

        cache = cache.updated(keywords)
        cluster = cluster_of(config)
        store = open_store(cluster, cache.cache_dir)
        return cls(LazyDiscoveryClient(cluster, lambda: config, store, options), store, cache)

    @classmethod
    def from_kubeconfig(
        cls,
        overrides: ConfigOverrides | None = None,
        cache: CacheOptions = CacheOptions(),
        *,
        options: TransportOptions | None = None,
        **keywords: Unpack[CacheKeywords],
    ) -> CachedDiscoveryClient:
        """Make a cached client for the kubeconfig that `load_config(overrides)` would load.

        The server's URL is remembered until the kubeconfig files change. With a warm cache no kubeconfig is parsed and
        no connection made. Raises `ConfigError`.
        """
        from ..discovery.lazy_client import LazyConfig, LazyDiscoveryClient
        from ..disk.document_store import open_store
        from ..disk.layout import cache_root

        cache = cache.updated(keywords)
        config = LazyConfig.for_overrides(overrides, cache_root(cache.cache_dir))
        store = open_store(config.cluster, cache.cache_dir)
        return cls(LazyDiscoveryClient(config.cluster, config.load, store, options), store, cache)

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._delegate.server

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
        """Invalidate everything, or one group version: use nothing older than this moment.

        Makes no request: the next call fetches what it needs, and caches it as usual.
        """
        self._cache.invalidate(None if group_version is None else _key_of(group_version))
        if isinstance(self._delegate, CachedDiscoveryInterface):
            self._delegate.invalidate(group_version)

    def refresh(self, since: float | None = None, *, wait: bool = True) -> None:
        """Refresh everything the server serves, with conditional requests.

        Meanwhile other callers get what is cached. Skip the fetch if everything cached was fetched at or after `since`
        (seconds on `time.monotonic`); the default is now. Without `wait`, skip it also if another process is fetching.
        Raises `DiscoveryError`, but not for failed group versions.
        """
        self._fetcher.refresh(time.monotonic() if since is None else since, wait=wait)
        if self._openapi_made.made is not None:
            self._openapi_made.made.note_refresh()

    def watch(self, *, interval: float = 30.0, on_change: Callable[[], None] | None = None) -> DiscoveryWatch:
        """Keep the cache up to date while the program runs: a CRD added, changed or deleted is seen within a second.

        Watches CustomResourceDefinitions and APIServices. The credentials need the verbs `list` and `watch` on them;
        without these, a warning is logged and the watch sends conditional requests every `interval` seconds.
        `on_change` is called, in a thread of the watch, when the documents differ from those this client holds now (if
        it holds none: the first it sees), or from those at its last call. The watch is also an iterator of these
        changes. Returns at once. It ends when it is closed; it is also a context manager.
        """
        from .watches import begin_watch

        return begin_watch(self, self._delegate, self._cache, self._stale, interval, on_change)

    def close(self) -> None:
        """Close the connections of the delegate; a later request opens new ones."""
        if isinstance(self._delegate, ConnectedDiscoveryInterface):
            self._delegate.close()

    def path(self, group_version: str | None = None) -> str:
        """The path of the file of the groups, or of one group version; "" without a cache on disk."""
        key = GROUPS if group_version is None else _key_of(group_version)
        return self._cache.store.path(key) if self._cache.store is not None else ""

    def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with the groups found, if a part could not be listed."""
        found = self._cache.groups(allow_expired=True)
        if found is None:
            found = self._fetcher.groups()
        if not found.failed:
            return found.groups
        from ..model.listing import all_groups

        return all_groups(found)

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        """The resources of one group version, such as `apps/v1` or `v1`. Raises `NotFound`."""
        # A fast path for the common case: programs call this for every lookup.
        found = self._cache.peek(group_version) if group_version else None
        if found is None:
            key = _key_of(group_version)
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
        return self._fetcher.ask(self._delegate.server_version)[0]

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

        return CachedOpenAPIV3(self._delegate, lambda: self._fetcher, self._cache, *self._options[:4])

    def _everything(self) -> DiscoveryResult:
        found = self._cache.get_all(allow_expired=True)
        return self._fetcher.everything() if found is None else found


def _key_of(group_version: str) -> str:
    """The key of a group version's document. Raises `InvalidGroupVersion`."""
    from ..model.names import parse_group_version

    return str(parse_group_version(group_version))
