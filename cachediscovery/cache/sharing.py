"""`shared_client`: puts the shared cache between a cached client and the client that it wraps."""

from __future__ import annotations

from _weakref import ref

from .. import _log as log
from ..config.cluster import cluster_at
from ..shared.client import SharedDiscoveryClient, can_share
from ..shared.engine import Engine
from ..shared.record_store import records_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..discovery.interfaces import DiscoveryInterface
    from .document_cache import DocumentCache


def shared_client(
    delegate: DiscoveryInterface, cache: DocumentCache, address: Any, name: str, stale: float
) -> DiscoveryInterface:
    """`delegate`, sharing its answers in the engine at `address`; as it is, with a warning, if it cannot be shared.

    An invalidation by another machine invalidates `cache`.
    """
    if getattr(delegate, "no_peer", False):
        # What one API server serves itself is not for others.
        return delegate
    store = cache.store
    fingerprint = store.trust_fingerprint if store is not None else getattr(delegate, "trust_fingerprint", "")
    records = records_of(Engine(address), cluster_at(delegate.server).url, fingerprint, name)
    if records is None or not can_share(delegate):
        why = "nothing is configured that tells it from others: name it by shared_cluster, or configure its CA"
        log.warning(
            "the cluster at %s is not shared: %s",
            delegate.server, why if records is None else "its client is not connected to a server",
        )  # fmt: skip
        return delegate
    # The thread that listens must not keep a client that nobody uses.
    known = ref(cache)
    records.on_invalidated = lambda moment: _invalidate(known, moment)
    shared = SharedDiscoveryClient(delegate, records, cache.ttl, stale)
    shared.news.listen()
    return shared


def _invalidate(known: ref[DocumentCache], moment: float) -> None:
    cache = known()
    if cache is not None:
        cache.invalidate(None, moment)
