"""`cache path`: where the cluster's documents are."""

from __future__ import annotations

from ..errors import DiscoveryError
from .flags import Parsed
from .session import Session
from .stdout import write


def run(parsed: Parsed) -> int:
    store = Session(parsed).store
    if store is None:
        raise DiscoveryError("there is no folder that could hold a cache: set KUBECACHEDIR or use --cache-dir")
    write(f"{store.folder}\n")
    return 0
