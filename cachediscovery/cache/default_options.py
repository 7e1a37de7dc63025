"""`options_or_defaults`: a client without options need not import `CacheOptions`."""

from __future__ import annotations

import os

from ..disk.layout import DEFAULT_TTL, RECHECK_INTERVAL, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .options import CacheKeywords, CacheOptions

# Those of `CacheOptions`.
_DEFAULTS = (DEFAULT_TTL, RECHECK_INTERVAL, 0.0, 0.0, "", "", "")


def options_or_defaults(cache: CacheOptions | None, keywords: CacheKeywords) -> tuple[Any, ...]:
    """The fields of the `CacheOptions` that a client was given, as an object, as keywords or in variables."""
    if cache is None and not keywords and not any(map(os.environ.get, VARIABLES.values())):
        return _DEFAULTS
    from .options import CacheOptions

    return CacheOptions.merged(cache, keywords)
