"""`ClusterRecord`: which cluster the documents of a folder are from, kept in a file beside them.

It holds fingerprints, and no secret. Losing it costs nothing but the chance to notice a change that happened meanwhile.
"""

from __future__ import annotations

import os

from .. import log
from ..records import NamedTuple
from .files import read_file, replace_file

RECORD_FILE = ".cachediscovery.cluster"
_FORMAT = "cachediscovery cluster 1"
_MAX_BYTES = 1 << 16
# What a record remembers of each kind; a cluster has a few API servers, and a few priority levels.
_MAX_VALUES = 64
_EMPTY: frozenset[str] = frozenset()


class ClusterRecord(NamedTuple):
    """What is known of the cluster that the documents are from; all empty for nothing.

    `authority` is the `Cluster.authority` of the configuration, `keys` are fingerprints of the keys that its servers
    have shown, `uids` those that its responses carry, and `cluster_uid` is that of its namespace kube-system.
    """

    authority: str = ""
    keys: frozenset[str] = _EMPTY
    uids: frozenset[str] = _EMPTY
    cluster_uid: str = ""

    def is_of(self, authority: str) -> bool:
        """Whether the documents may be of the cluster with this authority: nothing speaks against it.

        What somebody has written whose configuration names no authority is not known to be of any. Where there is
        no record at all, kubectl has written it.
        """
        return not authority or authority == self.authority or self == ClusterRecord()


def read_record(folder: str) -> ClusterRecord:
    """The record of the cluster's `folder`; an empty one where there is none, or none that can be read."""
    stored = read_file(os.path.join(folder, RECORD_FILE), _MAX_BYTES)
    lines = stored.data.decode("ascii", "replace").split("\n") if stored is not None else []
    if lines[:1] != [_FORMAT] or lines[-1:] != [""]:
        return ClusterRecord()
    values: dict[str, list[str]] = {}
    for name, _, value in (line.partition(" ") for line in lines[1:]):
        values.setdefault(name, []).append(value)
    return ClusterRecord(
        authority=values.get("authority", [""])[0],
        keys=frozenset(values.get("key", [])[:_MAX_VALUES]),
        uids=frozenset(values.get("uid", [])[:_MAX_VALUES]),
        cluster_uid=values.get("cluster-uid", [""])[0],
    )


def write_record(folder: str, record: ClusterRecord) -> bool:
    """Put a record in the place of the one in `folder`, which is there; whether that could be done."""
    lines = [_FORMAT]
    lines += [f"authority {record.authority}"] if record.authority else []
    lines += [f"key {key}" for key in sorted(record.keys)[:_MAX_VALUES]]
    lines += [f"uid {uid}" for uid in sorted(record.uids)[:_MAX_VALUES]]
    lines += [f"cluster-uid {record.cluster_uid}"] if record.cluster_uid else []
    try:
        replace_file(os.path.join(folder, RECORD_FILE), "\n".join([*lines, ""]).encode("ascii", "replace"))
    except (OSError, ValueError) as error:
        log.debug("cannot write the record of %s: %s", folder, error)
        return False
    return True
