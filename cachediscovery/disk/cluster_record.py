"""`ClusterRecord`: a file beside the documents of a folder that says which cluster they are from.

It holds fingerprints, no secrets. If it is lost, a change of cluster that happened meanwhile is not noticed.
"""

from __future__ import annotations

import os

from .. import _log as log
from ..model.records import NamedTuple
from .files import read_file, replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

RECORD_FILE = ".cachediscovery.cluster"
_FORMAT = "cachediscovery cluster 3"
_MAX_BYTES = 1 << 16
# A record keeps this many of the latest values of each kind: a cluster has a few API servers, which renew their
# certificates now and then, and a few priority levels.
_MAX_VALUES = 64


class ClusterRecord(NamedTuple):
    """What is known of the cluster that the documents are from; empty fields are unknown.

    `server` and `trust_fingerprint` are the configuration's (`Cluster.url`, `Cluster.trust_fingerprint`). `epoch` is a
    token that changes whenever the documents become another cluster's. `certificates` are the fingerprints of its
    servers' certificates, `uids` the UIDs in its responses, and `cluster_uid` the UID of its namespace kube-system.
    """

    server: str = ""
    trust_fingerprint: str = ""
    epoch: str = ""
    certificates: tuple[str, ...] = ()
    uids: tuple[str, ...] = ()
    cluster_uid: str = ""

    def is_of(self, server: str, trust_fingerprint: str) -> bool:
        """Whether the documents may be of the cluster with this configuration.

        A record without a fingerprint matches no cluster that has one. An empty record matches all: kubectl wrote the
        documents.
        """
        if self == ClusterRecord():
            return True
        return (not server or self.server in ("", server)) and (
            not trust_fingerprint or trust_fingerprint == self.trust_fingerprint
        )

    def with_seen(self, certificate: str = "", uids: Iterable[str] = ()) -> ClusterRecord:
        """Add a certificate and UIDs of the same cluster to the record, and drop the oldest of too many."""
        certificates = dict.fromkeys((*self.certificates, *((certificate,) if certificate else ())))
        known = dict.fromkeys((*self.uids, *sorted(uids)))
        return self._replace(
            certificates=tuple(certificates)[-_MAX_VALUES:],
            uids=tuple(known)[-_MAX_VALUES:],
        )


def new_record(server: str = "", trust_fingerprint: str = "") -> ClusterRecord:
    """Make a record of a new epoch that knows only the configuration."""
    return ClusterRecord(server, trust_fingerprint, os.urandom(8).hex())


def read_record(folder: str) -> ClusterRecord:
    """Read the record of the cluster's `folder`; an empty record if there is none, or it cannot be read."""
    stored = read_file(os.path.join(folder, RECORD_FILE), _MAX_BYTES)
    lines = stored.data.decode("utf-8", "replace").split("\n") if stored is not None else []
    if lines[:1] != [_FORMAT] or lines[-1:] != [""]:
        return ClusterRecord()
    values: dict[str, list[str]] = {}
    for name, _, value in (line.partition(" ") for line in lines[1:]):
        values.setdefault(name, []).append(value)
    return ClusterRecord(
        server=values.get("server", [""])[0],
        trust_fingerprint=values.get("authority", [""])[0],
        epoch=values.get("epoch", [""])[0],
        certificates=tuple(values.get("certificate", []))[-_MAX_VALUES:],
        uids=tuple(values.get("uid", []))[-_MAX_VALUES:],
        cluster_uid=values.get("cluster-uid", [""])[0],
    )


def write_record(folder: str, record: ClusterRecord) -> bool:
    """Replace the record in `folder`, which must exist; whether that succeeded."""
    lines = [_FORMAT]
    single = {"server": record.server, "authority": record.trust_fingerprint, "epoch": record.epoch}
    lines += [f"{name} {value}" for name, value in single.items() if value]
    lines += [f"certificate {certificate}" for certificate in record.certificates]
    lines += [f"uid {uid}" for uid in record.uids]
    lines += [f"cluster-uid {record.cluster_uid}"] if record.cluster_uid else []
    try:
        replace_file(os.path.join(folder, RECORD_FILE), "\n".join([*lines, ""]).encode("utf-8", "replace"))
    except (OSError, ValueError) as error:
        log.debug("cannot write the record of %s: %s", folder, error)
        return False
    return True
