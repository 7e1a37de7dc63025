"""`ClusterIdentity`: notices that another cluster now answers where the cached documents' cluster did.

Behind one URL there may be another cluster than yesterday: one that was built anew, another end of a
port-forward, a proxy that leads each user elsewhere. README.md says what is noticed when.
"""

from __future__ import annotations

import threading

from . import log
from .disk.cluster_record import ClusterRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .disk.store import DocumentStore
    from .interface import DiscoveryInterface
    from .transport.server_identity import ServerIdentity


class ClusterIdentity:
    """Compares who answers with who answered before. Safe for use by several threads."""

    def __init__(self, store: DocumentStore | None, delegate: DiscoveryInterface, forget: Callable[[], None]) -> None:
        """`forget` is called, once for each change, to drop all that was known of the other cluster."""
        self._store = store
        self._delegate = delegate
        self._forget = forget
        self._lock = threading.Lock()
        # What a cache in memory knows; on disk it is shared with other processes.
        self._record = ClusterRecord()
        # How often another cluster was found: what was put together across a change is not to be used.
        self.changes = 0

    def examine(self) -> None:
        """Look at who has answered since this was last called, and start over if that is another cluster."""
        take: Callable[[], set[ServerIdentity]] | None = getattr(self._delegate, "take_identities", None)
        if take is None:
            return
        for seen in take():
            with self._lock:
                self._compare(seen)

    def _compare(self, seen: ServerIdentity) -> None:
        authority = self._store.authority if self._store is not None else ""
        known = self._store.record() if self._store is not None else self._record
        if not known.is_of(authority):
            # The configuration has told already: nothing that is on disk was used.
            self._start_over(_with(ClusterRecord(), authority, seen))
            return
        cluster_uid = ""
        same = _is_same(known, seen)
        if not same:
            # Another user's priority level, or another cluster: what namespace kube-system is, tells.
            probe: Callable[[], str] | None = getattr(self._delegate, "cluster_uid", None)
            cluster_uid = probe() if probe is not None else ""
            same = bool(cluster_uid) and cluster_uid == known.cluster_uid
        if same:
            self._keep(known, _with(known, authority, seen))
            return
        log.info("another cluster answers at %s than the cached documents are from", self._delegate.server)
        self.changes += 1
        self._start_over(_with(ClusterRecord(cluster_uid=cluster_uid), authority, seen))
        self._forget()

    def _start_over(self, record: ClusterRecord) -> None:
        self._record = record
        if self._store is not None:
            self._store.start_over(record)

    def _keep(self, known: ClusterRecord, record: ClusterRecord) -> None:
        if record == known:
            return
        self._record = record
        if self._store is not None:
            self._store.keep_record(record)


def _is_same(known: ClusterRecord, seen: ServerIdentity) -> bool:
    """Whether what is seen proves that it is the cluster known, or nothing can be compared."""
    if seen.uids and known.uids:
        return bool(seen.uids & known.uids)
    return not (seen.key and known.keys) or seen.key in known.keys


def _with(record: ClusterRecord, authority: str, seen: ServerIdentity) -> ClusterRecord:
    return ClusterRecord(
        authority or record.authority,
        record.keys | {seen.key} if seen.key else record.keys,
        record.uids | seen.uids,
        record.cluster_uid,
    )
