"""`CachedDiscoveryClient`: a discovery client that remembers, on disk and in memory.

client-go's `disk.CachedDiscoveryClient` and `memory.memCacheClient` in one, with what users asked of either
(see README.md): one fetch for all who miss together, no document from before an invalidation, no partial
result kept as a whole.
"""

from __future__ import annotations

import time

from .._concurrency import made_once
from ..disk.document_store import GROUPS, DocumentStore
from ..disk.layout import DEFAULT_TTL
from ..model.names import parse_group_version
from .document_cache import DocumentCache
from .entry import Groups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config.client_config import ClientConfig
    from ..config.overrides import ConfigOverrides
    from ..discovery.interfaces import DiscoveryInterface
    from ..discovery.openapi import OpenAPIV3
    from ..index.search import IndexSearch
    from ..model.types import APIGroup, APIGroupList, APIResourceList, VersionInfo
    from ..transport.options import TransportOptions
    from ..watching.watch import DiscoveryWatch
    from .document_cache import Everything
    from .document_fetcher import DocumentFetcher

# How long another process's refresh may go unseen by a long-lived one.
DEFAULT_COHERENCE = 1.0


class CachedDiscoveryClient:
    """Wraps a discovery client (`delegate`) and answers from a cache shared with kubectl where it can.

    Safe for use by several threads, and by any number of processes on one folder. All methods raise
    `DiscoveryError` where the server had to be asked and could not answer; a cache that cannot be read or
    written costs time only.
    """

    def __init__(
        self,
        delegate: DiscoveryInterface,
        store: DocumentStore | None = None,
        *,
        ttl: float = DEFAULT_TTL,
        coherence: float = DEFAULT_COHERENCE,
        stale_if_error: float = 0.0,
        stale_while_revalidate: float = 0.0,
    ) -> None:
        """`store` holds the files, None for a cache in memory alone. All times are in seconds.

        Within `coherence` seconds of the last look at a file, calls are served from memory without
        looking whether another process has replaced or removed it. For `stale_if_error` seconds after
        they have expired, documents are used, with a warning, if the server cannot be reached; for
        `stale_while_revalidate` seconds they are used at once, and renewed in a thread (RFC 5861).
        """
        self._delegate = delegate
        self._cache = DocumentCache(store, ttl, coherence, stale_while_revalidate)
        if stale_while_revalidate:
            from .stale_while_revalidate import BackgroundRevalidation

            self._cache.on_expired = BackgroundRevalidation(lambda: self.refresh(0, wait=False)).start
        self._stale_if_error = stale_if_error
        # One, or none before the first miss.
        self._fetchers: dict[None, DocumentFetcher] = {}

    @classmethod
    def for_config(
        cls,
        config: ClientConfig,
        *,
        cache_dir: str = "",
        ttl: float = DEFAULT_TTL,
        coherence: float = DEFAULT_COHERENCE,
        stale_if_error: float = 0.0,
        stale_while_revalidate: float = 0.0,
        options: TransportOptions | None = None,
    ) -> CachedDiscoveryClient:
        """A cached client for what `load_config` returned; `cache_dir` is the cache's root, kubectl's by default."""
        from ..config.authority import cluster_of
        from ..discovery.lazy_client import LazyDiscoveryClient
        from ..disk.document_store import open_store

        cluster = cluster_of(config)
        store = open_store(cluster, cache_dir)
        base = LazyDiscoveryClient(cluster, lambda: config, store, options)
        return cls(
            base,
            store,
            ttl=ttl,
            coherence=coherence,
            stale_if_error=stale_if_error,
            stale_while_revalidate=stale_while_revalidate,
        )

    @classmethod
    def from_kubeconfig(
        cls,
        overrides: ConfigOverrides | None = None,
        *,
        cache_dir: str = "",
        ttl: float = DEFAULT_TTL,
        coherence: float = DEFAULT_COHERENCE,
        stale_if_error: float = 0.0,
        stale_while_revalidate: float = 0.0,
        options: TransportOptions | None = None,
    ) -> CachedDiscoveryClient:
        """A cached client for the kubeconfig, as `load_config(overrides)` understands it, read when it has to be.

        The server's URL is remembered for the state of the kubeconfig files: with a warm cache
        no kubeconfig is parsed and no connection made. Raises `ConfigError`.
        """
        from ..discovery.lazy_client import LazyConfig, LazyDiscoveryClient
        from ..disk.document_store import open_store
        from ..disk.layout import cache_root

        config = LazyConfig.for_overrides(overrides, cache_root(cache_dir))
        store = open_store(config.cluster, cache_dir)
        base = LazyDiscoveryClient(config.cluster, config.load, store, options)
        return cls(
            base,
            store,
            ttl=ttl,
            coherence=coherence,
            stale_if_error=stale_if_error,
            stale_while_revalidate=stale_while_revalidate,
        )

    @property
    def server(self) -> str:
        return self._delegate.server

    @property
    def delegate(self) -> DiscoveryInterface:
        """The client that is asked on a miss."""
        return self._delegate

    @property
    def fresh(self) -> bool:
        """True when everything used so far was fetched by this client since it was made or last invalidated.

        Whoever finds nothing while this is true need not invalidate and try again.
        """
        return self._cache.fresh

    def invalidate(self, group_version: str | None = None) -> None:
        """From now on use nothing older than this moment: of everything, or of one group version.

        Makes no request: what is asked for next is fetched then, and cached as usual.
        """
        self._cache.invalidate(str(parse_group_version(group_version)) if group_version is not None else None)
        invalidate_delegate = getattr(self._delegate, "invalidate", None)
        if invalidate_delegate is not None:
            invalidate_delegate(group_version)

    def on_expired(self, handler: Callable[[], None]) -> None:
        """Call `handler`, and start no thread, whenever a document is used that `stale_while_revalidate` allows."""
        self._cache.on_expired = handler

    def refresh(self, since: float | None = None, *, wait: bool = True) -> None:
        """Bring the cache up to date: all that is served, asked for conditionally.

        Meanwhile other callers get what is there. Nothing is asked for if documents are there that were asked for at
        `since` (seconds on `time.monotonic`) or later; by default that is now. Without `wait`, nor if somebody else
        is asking. Raises `DiscoveryError`; failed group versions are not among its errors.
        """
        self._fetcher.refresh(time.monotonic() if since is None else since, wait=wait)

    def watch(self, *, interval: float = 30.0, on_change: Callable[[], None] | None = None) -> DiscoveryWatch:
        """Keep the cache true while the program runs: a CRD that comes, changes or goes is seen within a second.

        Watches CustomResourceDefinitions and APIServices, for which the credentials need the rights `list` and `watch`;
        where they have none, the server is asked every `interval` seconds, with conditional requests, and a
        warning says so. `on_change` is called, in a thread of the watch, when the documents are no longer those that
        this client holds now (if it holds none: those that it sees first) or that `on_change` was last called for.
        Returns at once; the watch ends when it is closed, or as a context manager.
        """
        from ..watching.baseline import Baseline
        from ..watching.refresher import Refresher
        from ..watching.watch import DiscoveryWatch

        transport = getattr(getattr(self._delegate, "client", self._delegate), "transport", None)
        can_watch = hasattr(transport, "stream")
        # Now: what changes before the first look is a change as well.
        baseline = Baseline(self._cache.at_hand(self._stale_if_error) if on_change is not None else {})
        return DiscoveryWatch(self, transport if can_watch else None, Refresher(self, interval, on_change, baseline))

    def revision(self) -> int:
        """A number that changes when a document used before no longer holds: whoever derives from them derives anew.

        Looks at the files at most once in `coherence` seconds, and makes no request.
        """
        return self._cache.revision()

    def path(self, group_version: str | None = None) -> str:
        """The file of the groups, or of one group version; "" where there is no cache on disk."""
        key = GROUPS if group_version is None else str(parse_group_version(group_version))
        return self._cache.store.path(key) if self._cache.store is not None else ""

    def index_search(self) -> IndexSearch | None:
        """The table of all resources, where the index on disk holds; else None.

        Whoever uses it has used the documents: `fresh` and `revision` tell. Makes no request.
        """
        return self._cache.index_search()

    def write_index(self) -> bool:
        """Write the index that new processes start from, if all documents are in memory and on disk.

        An index that still holds is left alone. Whether it was written; a disk that cannot be written is no
        error. Makes no request.
        """
        from ..index.index_writer import has_index, write_index

        store = self._cache.store
        if store is None or has_index(store):
            return False
        found, signatures = self._cache.everything(), self._cache.signatures()
        if found is None or found[2]:
            return False
        groups, resources, _ = found
        again = self._cache.everything()
        if again is None or again[0] is not groups or any(again[1][key] is not resources[key] for key in resources):
            # Replaced meanwhile: these would be the states of other documents.
            return False
        from ..restmapper.rows import in_listing_order, rows_of

        rows = in_listing_order(rows_of(groups.groups, resources.values()))
        return write_index(store, signatures, groups, resources, rows)

    def server_groups(self) -> APIGroupList:
        """The groups. Raises `GroupDiscoveryFailed`, with the groups that were found, where a part could not be had."""
        found = self._cache.look_up(GROUPS, expired=True)
        groups, failed, _ = found if isinstance(found, Groups) else self._fetcher.groups()
        if failed:
            from ..model.listing import raise_if_partial

            raise_if_partial(groups, failed)
        return groups

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        # The plain case first and alone: it is called once for every lookup of a program.
        found = self._cache.peek(group_version)
        if found is None or isinstance(found, Groups):
            key = str(parse_group_version(group_version))
            found = self._cache.look_up(key, expired=True)
            if found is None or isinstance(found, Groups):
                return self._fetcher.resources(key)
        return found

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        from ..model.listing import groups_and_resources

        return groups_and_resources(*self._everything())

    def server_preferred_resources(self) -> list[APIResourceList]:
        from ..model.listing import preferred_resources

        return preferred_resources(*self._everything())

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        from ..model.listing import namespaced_only

        return namespaced_only(self.server_preferred_resources)

    def server_version(self) -> VersionInfo:
        """Asks the server each time, as client-go's cached clients do."""
        return self._fetcher.ask(self._delegate.server_version)[0]

    def openapi_v3(self) -> OpenAPIV3:
        return self._delegate.openapi_v3()

    @property
    def _fetcher(self) -> DocumentFetcher:
        """Made on the first miss: where there is none, nothing that asks a server is imported."""
        return made_once(self._fetchers, self._make_fetcher)

    def _make_fetcher(self) -> DocumentFetcher:
        connect_ahead = getattr(self._delegate, "connect_ahead", None)
        if connect_ahead is not None:
            connect_ahead()
        # While the handshakes are under way.
        from .document_fetcher import DocumentFetcher

        return DocumentFetcher(self._delegate, self._cache, self._stale_if_error)

    def _everything(self) -> Everything:
        found = self._cache.everything(expired=True)
        return self._fetcher.everything() if found is None else found
