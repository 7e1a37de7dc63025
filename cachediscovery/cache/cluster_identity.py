"""`ClusterIdentity`: notices that another cluster now answers at the URL of the cached documents' cluster.

The cluster behind a URL may change from one day, or one request, to the next: the cluster was rebuilt, a port-forward
leads elsewhere, a load balancer spreads connections over several clusters. The README.md of this folder says
what is noticed when.

Two responses are of one cluster if they carry a common UID, or, where one carries no UIDs, the same certificate.
Otherwise compare the UID of the namespace kube-system, or the UIDs of the priority levels, requested on the connections
of the two responses. Responses with neither UIDs nor a certificate cannot be compared.
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

# Other processes may change the record at the same time.
_TRIES = 3


class ClusterIdentity:
    """Compares the servers that answer with those that answered before. Safe for use by several threads."""

    def __init__(self, store: DocumentStore | None, delegate: DiscoveryInterface, forget: Callable[[], None]) -> None:
        """Call `forget`, once for each change of cluster, to drop all that is known of the previous one."""
        self._store = store
        self._delegate = delegate
        self._forget = forget
        self._lock = Lock()
        # The record used if none can be kept on disk. The one on disk is shared with other processes.
        self._record = ClusterRecord()
        self._on_disk = store is not None
        # The record's epoch, and a server of its cluster that answered this process.
        self._witness: tuple[str, ServerIdentity] | None = None
        # The epoch admitted last, and how often it changed.
        self._admitted = ""
        self.changes: int = 0

    @property
    def epoch(self) -> str:
        """A token that changes when another cluster is found; "" before the first response."""
        return self._known().epoch

    def admit(self, answered: Sequence[ServerIdentity], epoch: str) -> str | None:
        """The epoch of the cluster if all who answered are its servers, else None.

        `epoch` is the one before the requests. If the cached documents turn out to be another cluster's, remove them.
        After None the caller may retry: new connections are used.
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

    def accepts(self, answered: Sequence[ServerIdentity]) -> bool:
        """Whether an answer that another machine was given, by those servers, is of the known cluster.

        Nothing is asked, and nothing remembered, to find out: if it cannot be proved, the server is asked in its place.
        """
        known = self._known()
        if not known.epoch or not self._is_of_configured(known) or not (known.certificates or known.uids):
            return True
        return bool(answered) and all(_is_known(seen, known) for seen in answered)

    def give_up(self) -> None:
        """Forget everything: it cannot be settled which cluster answers."""
        with self._lock, self._store.record_lock() if self._store is not None else nullcontext():
            self._start_over(self._new_record())
            self._forget()

    def _admit(self, seen: ServerIdentity, epoch: str) -> str | None:
        """The epoch of the cluster if a server that answered belongs to it, else None."""
        for _ in range(_TRIES):
            known = self._known()
            joined = self._joined(seen, known, epoch)
            if joined is None:
                return None
            same = joined
            if self._change(known, same, start_over=not self._is_of_configured(known)):
                break
        else:
            # Other processes keep changing the record, or the disk fails. Without it no document is put on disk.
            self._on_disk, self._record = False, same
        self._witness = same.epoch, seen
        return same.epoch

    def _joined(self, seen: ServerIdentity, known: ClusterRecord, epoch: str) -> ClusterRecord | None:
        """The record with the identity seen added; None if that is not of the same cluster."""
        if not self._is_of_configured(known):
            # The record is of another configuration, so nothing on disk was used.
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
        # Before the record changes, so that every request after the change uses new connections.
        if isinstance(self._delegate, ConnectedDiscoveryInterface):
            self._delegate.transport.reconnect()
        if epoch == known.epoch:
            is_other = cluster_uid and known.cluster_uid
            what = "another cluster answers" if is_other else "cannot prove that it is the same cluster that answers"
            log.info("%s at %s: what is cached is not used", what, self._delegate.server)
            record = self._new_record().with_seen(seen.certificate, seen.uids)._replace(cluster_uid=cluster_uid)
            if self._change(known, record, start_over=True):
                self._forget()
        # Otherwise the record is newer than this request, and it is unknown which response is newer.

    def _settle(self, seen: ServerIdentity, known: ClusterRecord) -> tuple[str, bool]:
        """The UID of the cluster of `seen`, "" if unknown; and whether it is the known cluster."""
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
        """The response of the server that was seen; None if another may have answered."""
        with gathered_identities() as answered:
            try:
                found = ask(seen.connection)
            except DiscoveryError:
                return None
        return found if answered and all(_is_same_end(answer, seen) for answer in answered) else None

    def _known(self) -> ClusterRecord:
        """The record that all processes share, or else this process's own."""
        stored = self._store.record() if self._store is not None and self._on_disk else None
        return stored if stored is not None and stored.epoch else self._record

    def _is_of_configured(self, record: ClusterRecord) -> bool:
        return self._store is None or record.is_of(self._store.server, self._store.trust_fingerprint)

    def _new_record(self) -> ClusterRecord:
        return (
            new_record(self._store.server, self._store.trust_fingerprint) if self._store is not None else new_record()
        )

    def _change(self, known: ClusterRecord, record: ClusterRecord, *, start_over: bool = False) -> bool:
        """Replace the record `known` by `record`; False if another process changed it first."""
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
    """Whether `seen` proves to be of the known cluster, or cannot be compared with it."""
    if seen.uids and known.uids:
        return not seen.uids.isdisjoint(known.uids)
    return not (seen.certificate and known.certificates) or seen.certificate in known.certificates


def _is_known(seen: ServerIdentity, known: ClusterRecord) -> bool:
    """Whether `seen` proves to be of the known cluster."""
    if seen.uids and known.uids:
        return not seen.uids.isdisjoint(known.uids)
    return seen.certificate in known.certificates


def _is_same_end(answer: ServerIdentity, seen: ServerIdentity) -> bool:
    """Whether a response is of the same cluster as the one seen before."""
    if answer.uids and seen.uids:
        return not answer.uids.isdisjoint(seen.uids)
    if seen.connection is not None and answer.connection == seen.connection:
        return True
    return bool(seen.certificate) and answer.certificate == seen.certificate
