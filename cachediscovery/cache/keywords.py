"""The keywords of the cached client's constructors, for type checkers. Nothing imports this when it runs."""

from __future__ import annotations

from typing_extensions import TypedDict

from ..config.arguments import Duration, PathArgument
from ..config.overrides import OverrideKeywords
from ..transport.options import TransportKeywords


class CacheKeywords(TypedDict, total=False):
    """The fields of `CacheOptions` as keywords."""

    ttl: Duration | None
    recheck_interval: Duration | None
    stale_if_error: Duration | None
    stale_while_revalidate: Duration | None
    cache_dir: PathArgument | None


class ConfigKeywords(CacheKeywords, TransportKeywords, total=False):
    """The fields of `CacheOptions` and `TransportOptions`."""


class ClientKeywords(OverrideKeywords, ConfigKeywords, total=False):
    """The fields of `ConfigOverrides`, `CacheOptions` and `TransportOptions`."""
