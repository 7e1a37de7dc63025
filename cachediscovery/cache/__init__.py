"""The cached discovery client and its rules: entries, expiry, invalidation, one fetch for concurrent misses."""

from __future__ import annotations

import os

from ..disk.layout import DEFAULT_TTL, RECHECK_INTERVAL, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import CacheKeywords, CacheOptions

# Those of `CacheOptions`: a start with them need not import it.
_DEFAULTS = (DEFAULT_TTL, RECHECK_INTERVAL, 0.0, 0.0, "", "", "")


def options_of(
    cache: CacheOptions | None, keywords: CacheKeywords
) -> tuple[float, float, float, float, str, object, str]:
    """The fields of the `CacheOptions` that a client was given, as an object, as keywords or in variables."""
    if cache is None and not keywords and not any(map(os.environ.get, VARIABLES.values())):
        return _DEFAULTS
    from .options import CacheOptions

    return CacheOptions.merged(cache, keywords)
