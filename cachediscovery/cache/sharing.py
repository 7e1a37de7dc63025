"""`shared_client`: puts the shared cache between a cached client and the client that it wraps."""

from __future__ import annotations

from _weakref import ref

from .. import _log as log
from ..config.cluster import cluster_at
from ..shared.client import SharedDiscoveryClient, can_share
from ..shared.engine import Engine
from ..shared.record_store import RecordStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..discovery.interfaces import DiscoveryInterface
    from ..disk.document_store import DocumentStore
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
    records = records_of(delegate, cache.store, address, name)
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


def records_of(
    delegate: DiscoveryInterface, store: DocumentStore | None, address: Any, name: str
) -> RecordStore | None:
    """The records of a cluster in the engine at `address`; None if nothing tells the cluster from others.

    `http://localhost:8080` is another cluster on every machine.
    """
    fingerprint = store.trust_fingerprint if store is not None else getattr(delegate, "trust_fingerprint", "")
    if not fingerprint and not name:
        return None
    return RecordStore(Engine(address), cluster_at(delegate.server).url, fingerprint, name)
