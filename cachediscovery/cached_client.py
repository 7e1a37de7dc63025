"""`CachedDiscoveryClient`: a discovery client that remembers, on disk and in memory.

client-go's `disk.CachedDiscoveryClient` and `memory.memCacheClient` in one, with what users asked of either
(see README.md): one fetch for all who miss together, no document from before an invalidation, no partial
result kept as a whole.
"""

from __future__ import annotations

import threading
import time

from .cluster_identity import ClusterIdentity
from .disk.folders import DEFAULT_TTL
from .disk.lock import FetchLock
from .disk.store import GROUPS, DocumentStore
from .document_cache import DocumentCache
from .documents import encode_group_list, encode_resource_list
from .errors import DiscoveryError
from .interface import GroupsAndMaybeResources, parse_group_version
from .listing import fetch_each, groups_and_resources, namespaced_only, preferred_resources
from .memory import Groups
from .schema import GroupVersion
from .stale import StaleIfError
from .types import APIGroup, APIGroupList, APIResourceList, VersionInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias, TypeVar

    from .config.client_config import ClientConfig
    from .config.overrides import ConfigOverrides
    from .document_cache import Document
    from .interface import DiscoveryInterface
    from .openapi import OpenAPIV3
    from .transport.transport import TransportOptions

    T = TypeVar("T")
    Everything: TypeAlias = tuple[
        APIGroupList, dict[GroupVersion, APIResourceList], Mapping[GroupVersion, DiscoveryError]
    ]

# How long another process's refresh may go unseen by a long-lived one.
DEFAULT_COHERENCE = 1.0
# Seconds for which a listing with failed group versions stands: extension servers come back.
_FAILED_TTL = 10.0
# With more documents missing, the aggregated ones are asked for, which hold them all.
_FEW = 2
# Of a listing during which another cluster took over, nothing is used.
_TRIES = 3


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
    ) -> None:
        """`store` holds the files, None for a cache in memory alone. All times are in seconds.

        Within `coherence` seconds of the last look at a file, calls are served from memory without
        looking whether another process has replaced or removed it. For `stale_if_error` seconds after
        they have expired, documents are used, with a warning, if the server cannot be reached (RFC 5861).
        """
        self._delegate = delegate
        self._cache = DocumentCache(store, ttl, coherence)
        self._identity = ClusterIdentity(store, delegate, lambda: self._cache.invalidate(None))
        self._stale_if_error = StaleIfError(self._cache, stale_if_error)
        # Between processes, and between the threads of this one for each document.
        self._lock = FetchLock(store.lock_path if store is not None else str)
        self._mutex = threading.Lock()
        self._fetching: dict[str, threading.Lock] = {}
        # Whether the server sends all resources at once; None while that is not known.
        self._aggregates: bool | None = None

    @classmethod
    def for_config(
        cls,
        config: ClientConfig,
        *,
        cache_dir: str = "",
        ttl: float = DEFAULT_TTL,
        coherence: float = DEFAULT_COHERENCE,
        stale_if_error: float = 0.0,
        options: TransportOptions | None = None,
    ) -> CachedDiscoveryClient:
        """A cached client for what `load_config` returned; `cache_dir` is the cache's root, kubectl's by default."""
        from .config.authority import cluster_of
        from .disk.opening import open_store
        from .lazy import LazyDiscoveryClient

        store = open_store(cluster_of(config), cache_dir)
        base = LazyDiscoveryClient(config.server, lambda: config, store, options)
        return cls(base, store, ttl=ttl, coherence=coherence, stale_if_error=stale_if_error)

    @classmethod
    def from_kubeconfig(
        cls,
        overrides: ConfigOverrides | None = None,
        *,
        cache_dir: str = "",
        ttl: float = DEFAULT_TTL,
        coherence: float = DEFAULT_COHERENCE,
        stale_if_error: float = 0.0,
        options: TransportOptions | None = None,
    ) -> CachedDiscoveryClient:
        """A cached client for the kubeconfig, as `load_config(overrides)` understands it, read when it has to be.

        The server's URL is remembered for the state of the kubeconfig files: with a warm cache
        no kubeconfig is parsed and no connection made. Raises `ConfigError`.
        """
        from .config.overrides import ConfigOverrides
        from .disk.opening import open_store
        from .lazy import LazyConfig, LazyDiscoveryClient

        config = LazyConfig(overrides or ConfigOverrides(), cache_dir)
        store = open_store(config.cluster, cache_dir)
        base = LazyDiscoveryClient(config.cluster.server, config.load, store, options)
        return cls(base, store, ttl=ttl, coherence=coherence, stale_if_error=stale_if_error)

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

    def revision(self) -> int:
        """A number that changes when a document used before no longer holds: whoever derives from them derives anew.

        Looks at the files at most once in `coherence` seconds, and makes no request.
        """
        return self._cache.revision()

    def path(self, group_version: str | None = None) -> str:
        """The file of the groups, or of one group version; "" where there is no cache on disk."""
        key = GROUPS if group_version is None else str(parse_group_version(group_version))
        return self._cache.store.path(key) if self._cache.store is not None else ""

    def write_index(self) -> bool:
        """Write the index that warm command lines start from, if all documents are in memory and on disk.

        An index that still holds is left alone. Whether it was written; a disk that cannot be written is no
        error. Makes no request.
        """
        from .disk.index import read_index

        store = self._cache.store
        if store is None or read_index(store.root, store.folder, float("inf"), store.authority):
            return False
        found, signatures = self._all_cached(), self._cache.signatures()
        if found is None or found[2]:
            return False
        from .disk.index_writer import write_index
        from .restmapper.table import ResourceTable

        groups, lists = groups_and_resources(*found)
        return write_index(store, signatures, groups, ResourceTable(groups, lists, {}))

    def server_groups(self) -> APIGroupList:
        return self._groups().groups

    def server_resources_for_group_version(self, group_version: str) -> APIResourceList:
        # The plain case first and alone: it is called once for every lookup of a program.
        found = self._cache.peek(group_version)
        return found if isinstance(found, APIResourceList) else self._resources(str(parse_group_version(group_version)))

    def server_groups_and_resources(self) -> tuple[list[APIGroup], list[APIResourceList]]:
        return groups_and_resources(*self._everything())

    def server_preferred_resources(self) -> list[APIResourceList]:
        return preferred_resources(*self._everything())

    def server_preferred_namespaced_resources(self) -> list[APIResourceList]:
        return namespaced_only(self.server_preferred_resources)

    def server_version(self) -> VersionInfo:
        """Asks the server each time, as client-go's cached clients do."""
        return self._delegate.server_version()

    def openapi_v3(self) -> OpenAPIV3:
        return self._delegate.openapi_v3()

    def _everything(self) -> Everything:
        found = self._all_cached()
        if found is not None:
            return found
        for _ in range(_TRIES):
            changes = self._identity.changes
            # One lock for the whole listing: between two of its requests no other process starts the same.
            fetched = self._lock.run(self._fetch_everything, lambda: self._all_cached(look=True))
            if changes == self._identity.changes:
                break
        return fetched

    def _all_cached(self, *, look: bool = False) -> Everything | None:
        """Groups and resources from memory and disk, or None if one of them is missing."""
        groups = self._cache.look_up(GROUPS, look=look)
        if not isinstance(groups, Groups):
            return None
        resources, missing = self._cached_resources(groups.groups, look=look)
        return None if missing else (groups.groups, resources, groups.failed)

    def _cached_resources(
        self, groups: APIGroupList, *, look: bool = False
    ) -> tuple[dict[GroupVersion, APIResourceList], list[GroupVersion]]:
        """The resource lists at hand, and the group versions that have none."""
        resources: dict[GroupVersion, APIResourceList] = {}
        missing = []
        for group_version in groups.group_versions:
            found = self._cache.look_up(str(group_version), look=look)
            if isinstance(found, APIResourceList):
                resources[group_version] = found
            else:
                missing.append(group_version)
        return resources, missing

    def _fetch_everything(self) -> Everything:
        found = self._groups()
        if found.resources is None:
            _, missing = self._cached_resources(found.groups)
            if len(missing) > _FEW and self._aggregates is not False:
                with self._fetching_lock(GROUPS):
                    again = self._stale_if_error.fetch(GROUPS, self._fetch_groups)
                    assert isinstance(again, Groups)
                    found = again
        if found.resources is not None:
            # Not by way of the cache: with a short enough TTL it has forgotten them already.
            return found.groups, found.resources, found.failed
        resources, missing = self._cached_resources(found.groups)
        fetched, failures = fetch_each(self._resources, missing)
        return found.groups, {**resources, **fetched}, {**found.failed, **failures}

    def _groups(self) -> Groups:
        found = self._once(GROUPS, self._fetch_groups)
        assert isinstance(found, Groups)
        return found

    def _resources(self, key: str) -> APIResourceList:
        def fetch() -> APIResourceList:
            fetched, asked_at = self._ask(lambda: self._delegate.server_resources_for_group_version(key))
            return self._keep_resources(key, fetched, asked_at)

        found = self._once(key, fetch)
        assert isinstance(found, APIResourceList)
        return found

    def _once(self, key: str, fetch: Callable[[], Document]) -> Document:
        """The document of `key`: looked up, else fetched, by one thread of one process at a time."""
        found = self._cache.look_up(key)
        if found is not None:
            return found
        with self._fetching_lock(key):
            return self._lock.run(
                lambda: self._stale_if_error.fetch(key, fetch), lambda: self._cache.look_up(key, look=True)
            )

    def _fetching_lock(self, key: str) -> threading.Lock:
        with self._mutex:
            return self._fetching.setdefault(key, threading.Lock())

    def _fetch_groups(self) -> Groups:
        aggregated: Callable[[], GroupsAndMaybeResources] | None = getattr(
            self._delegate, "groups_and_maybe_resources", None
        )
        if aggregated is None:
            groups, asked_at = self._ask(self._delegate.server_groups)
            return self._keep_groups(GroupsAndMaybeResources(groups, None, {}), asked_at)
        return self._keep_groups(*self._ask(aggregated))

    def _ask(self, call: Callable[[], T]) -> tuple[T, float]:
        """What `call` gets from one and the same cluster, and when it was asked for."""
        for _ in range(_TRIES):
            changes, asked_at = self._identity.changes, time.time()
            found = call()
            self._identity.examine()
            if changes == self._identity.changes:
                break
        return found, asked_at

    def _keep_groups(self, fetched: GroupsAndMaybeResources, asked_at: float) -> Groups:
        groups, resources, failed, complete = fetched
        self._aggregates = resources is not None
        # The groups last: whoever finds them on disk finds their resources as well.
        for group_version, resource_list in (resources or {}).items():
            self._keep_resources(str(group_version), resource_list, asked_at)
        if complete and not failed and groups.groups:
            self._cache.keep(GROUPS, Groups(groups, {}), encode_group_list(groups), asked_at)
        else:
            # Not a word on disk of what is not the whole; what was there is outdated as well.
            if failed or not complete:
                self._cache.remove(GROUPS)
            self._cache.keep(GROUPS, Groups(groups, failed), None, asked_at, _FAILED_TTL)
        return Groups(groups, failed, resources)

    def _keep_resources(self, key: str, resource_list: APIResourceList, asked_at: float) -> APIResourceList:
        # An empty list is never written: kubectl would believe it.
        data = encode_resource_list(resource_list) if resource_list.resources else None
        self._cache.keep(key, resource_list, data, asked_at)
        return resource_list
