"""`CacheOptions`, and what the constructors of clients make of their arguments."""

from __future__ import annotations

import os

from ..config import arguments
from ..config.client_config import ClientConfig
from ..config.overrides import ConfigOverrides
from ..config.trust_fingerprint import cluster_of
from ..discovery.interfaces import DiscoveryInterface
from ..disk.document_store import DocumentStore
from ..disk.layout import DEFAULT_TTL, RECHECK_INTERVAL, VARIABLES
from ..model.records import NamedTuple
from ..shared.address import checked_address, place_of
from ..transport.options import TransportOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from typing_extensions import Self, TypedDict

    from ..config.arguments import Duration, PathArgument, SharedCacheArgument
    from ..config.cluster import Cluster
    from ..config.overrides import OverrideKeywords
    from ..transport.options import TransportKeywords

    class CacheKeywords(TypedDict, total=False):
        """The fields of `CacheOptions` as keywords."""

        ttl: Duration | None
        recheck_interval: Duration | None
        stale_if_error: Duration | None
        stale_while_revalidate: Duration | None
        cache_dir: PathArgument | None
        shared_cache: SharedCacheArgument | None
        shared_cluster: str | None

    class ConfigKeywords(CacheKeywords, TransportKeywords, total=False):
        """The fields of `CacheOptions` and `TransportOptions`."""

    class ClientKeywords(OverrideKeywords, ConfigKeywords, total=False):
        """The fields of `ConfigOverrides`, `CacheOptions` and `TransportOptions`."""


class _Options(NamedTuple):
    ttl: float = DEFAULT_TTL
    recheck_interval: float = RECHECK_INTERVAL
    stale_if_error: float = 0.0
    stale_while_revalidate: float = 0.0
    cache_dir: str = ""
    shared_cache: object = ""
    shared_cluster: str = ""


class CacheOptions(_Options):
    """How long cached documents are used, and where they are kept.

    A document is fresh for `ttl`; the default is kubectl's six hours. Within `recheck_interval` of the last check of a
    file, calls are served from memory without checking whether another process has replaced or removed it. For
    `stale_if_error` after it expired, a document is used, with a warning, if the server cannot be reached. For
    `stale_while_revalidate` after it expired, it is served at once, and refreshed in a thread (RFC 5861). `cache_dir`
    is the root of the cache; the default is kubectl's. `shared_cache` is Redis or Valkey, which machines share: a URL
    (`redis://`, `rediss://`, `unix://`, `valkey://`, `valkeys://`) or a client of redis-py or valkey-py, that of Redis
    Cluster or of a Sentinel's master too. A cluster is known by its CA certificates and URL; without a CA nothing is
    shared, unless `shared_cluster` names the cluster.

    A time is given in seconds, as a timedelta or as a duration such as "1h30m", and kept in seconds. Without a value,
    or with None, its environment variable (`CACHEDISCOVERY_TTL` …) counts, then the default. Raises `TypeError` for a
    wrong type, `InvalidOption` for a value that makes no sense, also in a variable.
    """

    __slots__ = ()

    def __new__(
        cls,
        ttl: Duration | None = None,
        recheck_interval: Duration | None = None,
        stale_if_error: Duration | None = None,
        stale_while_revalidate: Duration | None = None,
        cache_dir: PathArgument | None = None,
        shared_cache: SharedCacheArgument | None = None,
        shared_cluster: str | None = None,
    ) -> Self:
        """Check and convert every value that is not None."""
        given = locals()
        sources = {name: (name, given[name]) for name in cls._fields if given[name] is not None}
        for name, variable in VARIABLES.items():
            if name not in sources and os.environ.get(variable):
                sources[name] = (f"${variable}", os.environ[variable])
        return super().__new__(cls, **{name: _checked(name, *source) for name, source in sources.items()})

    def __repr__(self) -> str:
        # The URL may hold a password.
        shown = self._asdict() | {"shared_cache": place_of(self.shared_cache) if self.shared_cache else ""}
        return f"CacheOptions({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def _replace(self, **keywords: Any) -> Self:
        return type(self)(**{**self._asdict(), **keywords})

    @classmethod
    def merged(cls, cache: CacheOptions | None, keywords: Mapping[str, object]) -> CacheOptions:
        """The options that a function was given: as an object, and as keywords."""
        return arguments.merged("cache", cls, cache, keywords)


def client_options(
    overrides: ConfigOverrides | PathArgument | None,
    cache: CacheOptions | None,
    options: TransportOptions | None,
    keywords: Mapping[str, object],
) -> tuple[ConfigOverrides, CacheOptions, TransportOptions, str]:
    """The options of a function that takes them as objects and as keywords.

    The last is the folder of the store to open, which the `CacheOptions` then do not name.
    """
    flags, for_cache, for_requests = arguments.split(keywords, ConfigOverrides, CacheOptions, TransportOptions)
    overrides = ConfigOverrides.merged(overrides, flags)
    options = arguments.merged("options", TransportOptions, options, for_requests)
    cache = CacheOptions.merged(cache, for_cache)
    return overrides, cache._replace(cache_dir=None), options, cache.cache_dir


def config_options(
    config: ClientConfig,
    cache: CacheOptions | None,
    options: TransportOptions | None,
    keywords: Mapping[str, object],
) -> tuple[Cluster, CacheOptions, TransportOptions, str]:
    """The cluster, and the options as of `client_options`, of a function that takes a configuration."""
    arguments.instance("config", config, ClientConfig, "from load_config; for a kubeconfig use from_kubeconfig")
    arguments.split(keywords, CacheOptions, TransportOptions)
    _, cache, options, cache_dir = client_options(None, cache, options, keywords)
    return cluster_of(config), cache, options, cache_dir


def refuse(delegate: object, store: object) -> None:
    """Raise the `TypeError` for a cached client's arguments."""
    if hasattr(delegate, "server_groups"):
        arguments.instance("store", store, DocumentStore, "from open_store; for a folder use cache_dir")
    arguments.instance("delegate", delegate, DiscoveryInterface, "such as a DiscoveryClient")


def _checked(option: str, source: str, value: object) -> Any:
    checks = {"cache_dir": arguments.path, "shared_cache": checked_address, "shared_cluster": arguments.text}
    return checks.get(option, arguments.seconds)(source, value)
