"""What the flags of the shared cache mean. Imports nothing of it: a warm start does not use it."""

from __future__ import annotations

import os

from ..disk.layout import VARIABLES
from .flags import Parsed, UsageError


def check_shared_flags(parsed: Parsed) -> None:
    """Raise `UsageError` for a password that every user can see in the list of processes, or a name without effect."""
    url = parsed.text("shared-cache")
    if parsed.given("shared-cluster") and not has_shared_cache(parsed):
        raise UsageError("--shared-cluster has no effect without --shared-cache")
    if ":" in url.partition("://")[2].rpartition("@")[0] or "password=" in url.lower():
        raise UsageError("--shared-cache with a password is seen by others: set $CACHEDISCOVERY_SHARED_CACHE instead")


def has_shared_cache(parsed: Parsed) -> bool:
    """Whether a shared cache is named, by the flag or the variable."""
    return bool(parsed.text("shared-cache") or os.environ.get(VARIABLES["shared_cache"]))
