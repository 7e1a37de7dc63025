"""`ClusterIdentity`: notices that another cluster now answers where the cached documents' cluster did.

Behind one URL there may be another cluster than yesterday, or than a moment ago: one that was built anew, another end
of a port-forward, a balancer that leads each connection elsewhere. README.md says what is noticed when.

What proves that two answers are of one cluster: a UID that both carry; the same certificate, where one of them carries
no UIDs; else the UID of the namespace kube-system, or those of the priority levels, asked for on the connections that
the answers came on. Answers that carry neither UIDs nor a certificate cannot be compared.
"""

from __future__ import annotations

from contextlib import nullcontext

from .. import _log as log
from .._concurrency import Lock
from ..discovery.interfaces import ClusterUIDInterface, ConnectedDiscoveryInterface
from ..disk.cluster_record import ClusterRecord, new_record
from ..model.errors import DiscoveryError
from ..transport.server_identity import ServerIdentity, gathered_identities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from ..discovery.interfaces import DiscoveryInterface
    from ..disk.document_store import DocumentStore

    T = TypeVar("T")

# Other processes may be changing the record at the same time.
_TRIES = 3


class ClusterIdentity:
    """Compares who answers with who answered before. Safe for use by several threads."""

    def __init__(self, store: DocumentStore | None, delegate: DiscoveryInterface, forget: Callable[[], None]) -> None:
        """`forget` is called, once for each change, to drop all that was known of the other cluster."""
        self._store = store
        self._delegate = delegate
        self._forget = forget
        self._lock = Lock()
        # What is known where it cannot be kept on disk; there it is shared with other processes.
        self._record = ClusterRecord()
        self._on_disk = store is not None
        # One who has answered for the cluster of the record, in this process; and that record's epoch.
        self._witness: tuple[str, ServerIdentity] | None = None
        # The epoch of whoever was admitted last, and how often it was another than the one before.
        self._admitted = ""
        self.changes: int = 0

    @property
    def epoch(self) -> str:
        """A word that changes when another cluster is found; "" as long as nobody has answered."""
        return self._known().epoch

    def admit(self, answered: Sequence[ServerIdentity], epoch: str) -> str | None:
        """The epoch in which all who have answered are servers of one cluster, the documents'; None if they are not.

        `epoch` is what it was before they were asked. Where the documents turn out to be another cluster's, they are
        removed. Whoever is not admitted may ask again, on new connections.
        """
        with self._lock:
            epochs = {self._admit(seen, epoch) for seen in dict.fromkeys(answered)} or {self._known().epoch}
            found = epochs.pop()
            if found is None or epochs:
                return None
            if self._admitted not in ("", found):
                self.changes += 1
            self._admitted = found
            return found

    def give_up(self) -> None:
        """Forget all: who answers here cannot be settled."""
        with self._lock, self._store.record_lock() if self._store is not None else nullcontext():
            self._start_over(self._new_record())
            self._forget()

    def _admit(self, seen: ServerIdentity, epoch: str) -> str | None:
        """The epoch in which one who has answered is a server of the cluster; None if it is not."""
        for last in (False,) * _TRIES + (True,):
            known = self._known()
            same = self._joined(seen, known, epoch)
            if same is None:
                return None
            if last:
                # Other processes keep changing it, or the disk fails: without the record no document is kept.
                self._on_disk, self._record = False, same
            elif not self._change(known, same, start_over=not self._is_of_configured(known)):
                continue
            self._witness = same.epoch, seen
            return same.epoch
        return None

    def _joined(self, seen: ServerIdentity, known: ClusterRecord, epoch: str) -> ClusterRecord | None:
        """The record with what is seen; None where that is not of the same cluster."""
        if not self._is_of_configured(known):
            # The configuration has told already: nothing that is on disk was used.
            return self._new_record().with_seen(seen.certificate, seen.uids)
        same = (known if known.epoch else self._new_record()).with_seen(seen.certificate, seen.uids)
        if _is_proof(seen, known):
            return same
        cluster_uid, is_same = self._settle(seen, known)
        if is_same:
            return same._replace(cluster_uid=known.cluster_uid or cluster_uid)
        self._refuse(seen, known, epoch, cluster_uid)
        return None

    def _refuse(self, seen: ServerIdentity, known: ClusterRecord, epoch: str, cluster_uid: str) -> None:
        # Before the record changes: whoever asks after that, asks on new connections.
        if isinstance(self._delegate, ConnectedDiscoveryInterface):
            self._delegate.transport.reconnect()
        if epoch == known.epoch:
            is_other = cluster_uid and known.cluster_uid
            what = "another cluster answers" if is_other else "cannot prove that it is the same cluster that answers"
            log.info("%s at %s: what is cached is not used", what, self._delegate.server)
            record = self._new_record().with_seen(seen.certificate, seen.uids)._replace(cluster_uid=cluster_uid)
            if self._change(known, record, start_over=True):
                self._forget()
        # Otherwise the record was made after this was asked, and nobody can tell whose answer is the newer one.

    def _settle(self, seen: ServerIdentity, known: ClusterRecord) -> tuple[str, bool]:
        """The UID of the cluster that `seen` is of, "" if that cannot be told; and whether it is the one known."""
        witness = self._witness[1] if self._witness is not None and self._witness[0] == known.epoch else None
        cluster_uid, known_uid = self._cluster_uid(seen), known.cluster_uid
        if cluster_uid and not known_uid and witness is not None:
            known_uid = self._cluster_uid(witness)
        if cluster_uid and known_uid:
            return cluster_uid, cluster_uid == known_uid
        if self._level_uids(seen).intersection(known.uids):
            return cluster_uid, True
        return cluster_uid, witness is not None and bool(self._level_uids(witness) & seen.uids)

    def _cluster_uid(self, seen: ServerIdentity) -> str:
        delegate = self._delegate
        found = self._ask(seen, delegate.cluster_uid) if isinstance(delegate, ClusterUIDInterface) else None
        return found or ""

    def _level_uids(self, seen: ServerIdentity) -> frozenset[str]:
        delegate = self._delegate
        found = self._ask(seen, delegate.priority_level_uids) if isinstance(delegate, ClusterUIDInterface) else None
        return found or frozenset()

    @staticmethod
    def _ask(seen: ServerIdentity, ask: Callable[[int | None], T]) -> T | None:
        """What the server that was seen answers, None if another may have answered."""
        with gathered_identities() as answered:
            try:
                found = ask(seen.connection)
            except DiscoveryError:
                return None
        return found if answered and all(_is_same_end(answer, seen) for answer in answered) else None

    def _known(self) -> ClusterRecord:
        """What is known by all processes, or, where that is nothing, by this one."""
        stored = self._store.record() if self._store is not None and self._on_disk else None
        return stored if stored is not None and stored.epoch else self._record

    def _is_of_configured(self, record: ClusterRecord) -> bool:
        return self._store is None or record.is_of(self._store.server, self._store.trust_fingerprint)

    def _new_record(self) -> ClusterRecord:
        return (
            new_record(self._store.server, self._store.trust_fingerprint) if self._store is not None else new_record()
        )

    def _change(self, known: ClusterRecord, record: ClusterRecord, *, start_over: bool = False) -> bool:
        """Put `record` in the place of what is known; False if another process was quicker."""
        if self._store is None or not self._on_disk:
            self._record = record
            return True
        if self._store.record() == record:
            self._record = record
            return True
        with self._store.record_lock():
            if self._known() != known:
                return False
            if start_over:
                self._start_over(record)
            else:
                self._record = record
                self._on_disk = self._store.keep_record(record)
        return True

    def _start_over(self, record: ClusterRecord) -> None:
        self._witness = None
        self._record = record
        self._on_disk = self._store is not None and self._store.start_over(record)


def _is_proof(seen: ServerIdentity, known: ClusterRecord) -> bool:
    """Whether what is seen proves that it is the cluster known, or nothing can be compared."""
    if seen.uids and known.uids:
        return not seen.uids.isdisjoint(known.uids)
    return not (seen.certificate and known.certificates) or seen.certificate in known.certificates


def _is_same_end(answer: ServerIdentity, seen: ServerIdentity) -> bool:
    """Whether an answer is of the same cluster as the one seen before."""
    if answer.uids and seen.uids:
        return not answer.uids.isdisjoint(seen.uids)
    if seen.connection is not None and answer.connection == seen.connection:
        return True
    return bool(seen.certificate) and answer.certificate == seen.certificate
