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
    from collections.abc import Callable, Iterable

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
        # What is known where it cannot be kept on disk; there it is shared with other processes.
        self._record = ClusterRecord()
        self._on_disk = store is not None
        # How often another cluster was found: what was put together across a change is not to be used.
        self.changes = 0

    def examine(self, *, again: bool = False) -> None:
        """Look at who has answered since this was last called, and start over if that is another cluster.

        `again`: that has just happened, and the same was asked once more. Whoever answers now are the servers of
        one cluster, behind one load balancer.
        """
        with self._lock:
            waiting = self._take()
            while waiting:
                seen = waiting.pop()
                waiting += self._compare(seen, again)

    def _take(self) -> list[ServerIdentity]:
        take: Callable[[], Iterable[ServerIdentity]] | None = getattr(self._delegate, "take_identities", None)
        return list(take()) if take is not None else []

    def _compare(self, seen: ServerIdentity, again: bool) -> list[ServerIdentity]:
        """Compare one who answered with what is known; who else answered meanwhile."""
        authority = self._store.authority if self._store is not None else ""
        known = self._store.record() if self._store is not None and self._on_disk else self._record
        if not known.is_of(authority):
            # The configuration has told already: nothing that is on disk was used.
            self._start_over(_with(ClusterRecord(), authority, seen))
            return []
        if again or _is_same(known, seen):
            self._keep(known, _with(known, authority, seen))
            return []
        # Another user's priority level, or another cluster: what namespace kube-system is, tells.
        cluster_uid, others = self._probe(seen)
        if cluster_uid and cluster_uid == known.cluster_uid:
            self._keep(known, _with(known, authority, seen))
            return others
        log.info("another cluster answers at %s than the cached documents are from", self._delegate.server)
        self.changes += 1
        self._start_over(_with(ClusterRecord(cluster_uid=cluster_uid), authority, seen))
        self._forget()
        return others

    def _probe(self, seen: ServerIdentity) -> tuple[str, list[ServerIdentity]]:
        """The UID of the cluster that `seen` is of, "" if that cannot be told; and who else answered meanwhile."""
        probe: Callable[[], str] | None = getattr(self._delegate, "cluster_uid", None)
        if probe is None:
            return "", []
        cluster_uid = probe()
        answered = self._take()
        # Another may have answered again by now.
        if not any(_is_proof(answer, seen) for answer in answered):
            cluster_uid = ""
        return cluster_uid, [answer for answer in answered if answer != seen and cluster_uid == ""]

    def _start_over(self, record: ClusterRecord) -> None:
        self._record = record
        if self._store is not None:
            self._on_disk = self._store.start_over(record)

    def _keep(self, known: ClusterRecord, record: ClusterRecord) -> None:
        if record == known:
            return
        self._record = record
        if self._store is not None:
            self._on_disk = self._store.keep_record(record)


def _is_same(known: ClusterRecord, seen: ServerIdentity) -> bool:
    """Whether what is seen proves that it is the cluster known, or nothing can be compared."""
    if seen.uids and known.uids:
        return not seen.uids.isdisjoint(known.uids)
    return not (seen.certificate and known.certificates) or seen.certificate in known.certificates


def _is_proof(answer: ServerIdentity, seen: ServerIdentity) -> bool:
    """Whether an answer is of the same cluster as the one seen before."""
    if answer.uids and seen.uids:
        return not answer.uids.isdisjoint(seen.uids)
    return bool(seen.certificate) and answer.certificate == seen.certificate


def _with(record: ClusterRecord, authority: str, seen: ServerIdentity) -> ClusterRecord:
    return record._replace(authority=authority or record.authority).with_seen(seen.certificate, seen.uids)
