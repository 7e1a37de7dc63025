"""`Session`: the cluster, store and clients of one command. It connects and parses YAML only when necessary."""

from __future__ import annotations

import os

from .. import _log as log
from ..config.cluster import Cluster
from ..disk.layout import DEFAULT_TTL, VARIABLES, cache_root, cluster_folder, place_of
from ..disk.remembered import CLUSTER_FLAGS, RememberedCluster
from ..index.search import GROUP_VERSIONS, read_sound_index
from .flags import Parsed, UsageError, duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..cache.cached_client import CachedDiscoveryClient
    from ..config.client_config import ClientConfig
    from ..config.overrides import ConfigOverrides
    from ..discovery.lazy_client import LazyConfig, LazyDiscoveryClient
    from ..disk.document_store import DocumentStore
    from ..index.index_file import Index
    from ..model.discovery_result import DiscoveryResult
    from ..transport.dialer import Dialer
    from ..transport.options import TransportOptions

# The digits of the largest 64-bit number.
_MAX_DIGITS = 19


class Session:
    """One cluster with its index, store and clients, all created on first use.

    All methods raise `DiscoveryError`; `ConfigError` for an unusable configuration.
    """

    def __init__(self, parsed: Parsed, context: str = "", *, asks: bool | None = None) -> None:
        """`context` overrides the flag.

        `asks` tells whether the server is asked even if documents are cached. None is for commands that never ask.

        Raises `UsageError` for invalid flags.
        """
        self._parsed = parsed
        self._context = context or parsed.text("context")
        # What one API server serves itself is in no cache.
        self._is_shared = not parsed.flag("no-peer")
        self.asks: bool | None = asks if self._is_shared else True
        if self.asks:
            _refuse_flags_of_the_cache(parsed)
        self.ttl: float = ttl_from(parsed)
        self._stale_if_error = _seconds(parsed, "stale-if-error", "stale_if_error", 0.0)
        self._stale_while_revalidate = _seconds(parsed, "stale-while-revalidate", "stale_while_revalidate", 0.0)
        self._used_expired = False
        self._numbers = transport_numbers(parsed)
        self.cache_dir: str = parsed.text("cache-dir")
        flags = {name: parsed.text(name) for name in CLUSTER_FLAGS}
        flags["context"] = self._context
        flags["insecure-skip-tls-verify"] = "true" if parsed.flag("insecure-skip-tls-verify") else ""
        root = cache_root(self.cache_dir)
        self._remembered = RememberedCluster(root, parsed.text("kubeconfig"), tuple(flags.values()))
        self._config: LazyConfig | None = None
        self._known: Cluster | None = None
        self._dialer: Dialer | None = None
        self._store: DocumentStore | None = None
        self._opened = False
        self._base: LazyDiscoveryClient | None = None
        self._client: CachedDiscoveryClient | None = None

    @property
    def cluster(self) -> Cluster:
        """The cluster, as remembered or from the configuration."""
        if self._known is None:
            self._known = self._remembered.load()
            if self._known is None:
                self._known = self._lazy_config().cluster
            elif self.asks:
                self._reach(self._known.server, self._known.has_proxy)
        return self._known

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self.cluster.server

    @property
    def store(self) -> DocumentStore | None:
        """The cluster's documents on disk; None with `--no-peer`, or, after a warning, if there is no usable folder."""
        if not self._opened and self._is_shared:
            from ..disk.document_store import open_store

            self._store, self._opened = open_store(self.cluster, self.cache_dir), True
        return self._store

    def stores(self) -> list[DocumentStore]:
        """All stores that may hold documents of the cluster, even if unused now."""
        from ..cache.inventory import stores_of

        return stores_of(self.cluster, self.cache_dir)

    def store_or_fail(self) -> DocumentStore:
        """The cluster's store. Raises `DiscoveryError` if there is none."""
        if self.store is None:
            from ..model.errors import DiscoveryError

            raise DiscoveryError("there is no folder that could hold a cache: set KUBECACHEDIR or use --cache-dir")
        return self.store

    def index(self, names: Sequence[str], *, expired: bool = False) -> Index | None:
        """The index with the sections `names`, if it can replace the documents; else None.

        With `expired`, the documents may be of any age.
        """
        cluster, place = self.cluster, place_of(self.cluster, self.cache_dir)
        index = read_sound_index(*place, names, cluster.trust_fingerprint, cluster.url) if place is not None else None
        if index is None or not (expired or index.is_within(self.ttl + self._stale_while_revalidate)):
            return None
        log.hit(len(index.paths()), index.folder, "the index of ")
        self._used_expired = not (expired or index.is_within(self.ttl))
        return index

    def cached_group_versions(self) -> list[str]:
        """The group versions in the cache, fresh or expired. Makes no request."""
        index = self.index([GROUP_VERSIONS], expired=True)
        if index is not None:
            return index.column(GROUP_VERSIONS)
        from ..cache.document_cache import DocumentCache

        groups = DocumentCache(self.store, float("inf"), 0).groups()
        return list(map(str, groups.groups.group_versions)) if groups is not None else []

    def cached_documents(self) -> DiscoveryResult:
        """The documents in the cache, fresh or expired. Makes no request."""
        from ..cache.document_cache import DocumentCache
        from ..model.discovery_result import DiscoveryResult
        from ..model.types import APIGroupList

        cache = DocumentCache(self.store, float("inf"), 0)
        groups = cache.groups()
        return cache.with_resources(groups) if groups is not None else DiscoveryResult(APIGroupList(()))

    def group_versions(self) -> tuple[list[str], str]:
        """The group versions that the server lists, and an error message for those that failed."""
        index = None if self.asks else self.index([GROUP_VERSIONS])
        if index is not None:
            return index.column(GROUP_VERSIONS), ""
        from ..model.errors import GroupDiscoveryFailed
        from .progress import progress

        failure = ""
        client = self._asked_client()
        with progress(self.server):
            try:
                groups = client.server_groups()
            except GroupDiscoveryFailed as error:
                groups, failure = error.result, str(error)
        return [str(group_version) for group_version in groups.group_versions], failure

    def documents(self) -> DiscoveryResult:
        """All groups and resources, from the server or the cache as the flags say."""
        from ..model.listing import result_of
        from .progress import progress

        client = self._asked_client()
        with progress(self.server):
            return result_of(client.server_groups_and_resources)

    @property
    def base(self) -> LazyDiscoveryClient:
        """The client that sends requests to the server."""
        if self._base is None:
            from ..discovery.lazy_client import LazyDiscoveryClient

            cluster, load = self.cluster, self._lazy_config().load
            self._base = LazyDiscoveryClient(cluster, load, self.store, self._options(), self._dialer)
        return self._base

    @property
    def client(self) -> CachedDiscoveryClient:
        """The cached client that uses the cluster's store."""
        if self._client is None:
            from ..cache.cached_client import CachedDiscoveryClient

            self._client = CachedDiscoveryClient(
                self.base,
                self.store,
                ttl=self.ttl,
                stale_if_error=self._stale_if_error,
                stale_while_revalidate=self._stale_while_revalidate,
                shared_cache=self._parsed.text("shared-cache") or None,
                shared_cluster=self._parsed.text("shared-cluster"),
                revalidate=self._note_expired,
            )
        return self._client

    def connect(self) -> None:
        """Start connecting: the server will be asked, and the imports for that take as long as the handshakes."""
        self._reach(self.cluster.server, self.cluster.has_proxy)

    def finish(self) -> None:
        """Call after all output: write the index, and refresh in the background what was served expired."""
        if self._client is not None:
            self._client.resource_index.write()
        if self._used_expired:
            from ..cache.stale_while_revalidate import detach

            def renew() -> None:
                self.client.refresh(since=0, wait=False)
                self.client.resource_index.write()

            detach(renew)

    def _lazy_config(self) -> LazyConfig:
        if self._config is None:
            from ..discovery.lazy_client import LazyConfig

            def overrides() -> ConfigOverrides:
                from .overrides import overrides_from

                return overrides_from(self._parsed, self._context)

            self._config = LazyConfig(self._remembered, overrides, self._on_read)
        return self._config

    def _on_read(self, config: ClientConfig) -> None:
        """If the cluster was not remembered, it is probably not cached either: start connecting."""
        if self.asks or not os.path.isdir(cluster_folder(cache_root(self.cache_dir), Cluster(config.server))):
            self._reach(config.server, bool(config.proxy_url))

    def _reach(self, server: str, has_proxy: bool) -> None:
        """Start connecting as soon as the address is known, if the command may ask the server.

        Where a shared cache may have the answer, wait until it is known not to.
        """
        if self.asks is None or self._dialer is not None or self._base is not None:
            return
        from .shared_flags import has_shared_cache

        if self.asks or not has_shared_cache(self._parsed):
            from ..transport.dialer import reach

            self._dialer = reach(server, self._options(), has_proxy=has_proxy)

    def _options(self) -> TransportOptions:
        from ..transport.options import TransportOptions

        return TransportOptions()._replace(**self._numbers)

    def _asked_client(self) -> CachedDiscoveryClient:
        if self.asks:
            self.base.connect_ahead()
            self.client.invalidate_locally()
        return self.client

    def _note_expired(self) -> None:
        self._used_expired = True


def _refuse_flags_of_the_cache(parsed: Parsed) -> None:
    """Raise `UsageError` for a flag that has no effect because the server is asked in any case."""
    given = next((f"with --{flag}" for flag in ("no-peer", "refresh") if parsed.flag(flag)), "without --cached")
    for flag in ("cached", "cache-ttl", "stale-if-error", "stale-while-revalidate"):
        if parsed.flag(flag) if flag == "cached" else parsed.given(flag):
            raise UsageError(f"--{flag} has no effect {given}")


def ttl_from(parsed: Parsed) -> float:
    """The TTL in seconds: `--cache-ttl`, else `$CACHEDISCOVERY_TTL`, else kubectl's six hours."""
    return _seconds(parsed, "cache-ttl", "ttl", DEFAULT_TTL)


def transport_numbers(parsed: Parsed) -> dict[str, Any]:
    """The transport options that flags set. Raises `UsageError`."""
    numbers: dict[str, Any] = {}
    for flag, name in (("connect-timeout", "connect_timeout"), ("request-timeout", "read_timeout")):
        seconds = duration(parsed.text(flag), f"--{flag}") if parsed.text(flag) else 0.0
        # kubectl's default "0" means no time-out beyond the usual one.
        if seconds:
            numbers[name] = seconds
    for flag, name, least in (("max-document-bytes", "max_document_bytes", 1), ("retries", "retries", 0)):
        text = parsed.text(flag)
        if text:
            if not text.isdecimal() or len(text) > _MAX_DIGITS or int(text) < least:
                raise UsageError(f"--{flag} {text[:40]!r} is not a number of {'bytes' if least else 'retries'}")
            numbers[name] = int(text)
    if parsed.flag("no-peer"):
        numbers["no_peer"] = True
    return numbers


def _seconds(parsed: Parsed, flag: str, option: str, default: float) -> float:
    """The seconds of a flag, else of the environment variable of the cache's `option`, else `default`."""
    if parsed.given(flag):
        return duration(parsed.text(flag), f"--{flag}")
    text = os.environ.get(VARIABLES[option], "")
    return duration(text, f"${VARIABLES[option]}") if text else default
