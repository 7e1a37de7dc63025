"""`DocumentStore`: one cluster's documents, a file each, in kubectl's layout.

It knows bytes, not what they mean: reading never fails (what cannot be read is not there), and
writing replaces a file whole or not at all.
"""

from __future__ import annotations

import os
import time

from .. import _log as log
from .._concurrency import Once
from ..config.cluster import Cluster
from . import layout
from .files import Signature, StoredFile, is_folder, make_folder, read_file, signature_of
from .layout import GROUPS_FILE, RESOURCES_FILE
from .trust import distrust_below, distrust_of_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set
    from contextlib import AbstractContextManager

    from .cluster_record import ClusterRecord
    from .document_writer import DocumentWriter

# The key of servergroups.json; every other key is a group version.
GROUPS = ""
LOCK_FILE = ".cachediscovery.lock"
RECORD_LOCK_FILE = ".cachediscovery.cluster-lock"
MAX_FILE_BYTES = 64 << 20
# No server's URL.
_NOBODY = "-"
# For so many seconds the folders are what they were when they were last looked at.
_LOOK_SECONDS = 1.0


class DocumentStore:
    """The documents below one cluster's folder. Safe for use by several threads and processes.

    A key is `GROUPS` or a group version such as `apps/v1`. Keys that are no safe path have no file.
    """

    def __init__(self, root: str, folder: str, trust_fingerprint: str = "", server: str = "") -> None:
        """`folder` is the cluster's, as `layout.cluster_folder` names it, below `root`.

        With a `trust_fingerprint` (`Cluster.trust_fingerprint`) documents of a cluster with another one count as
        missing. So do, with a `server` (`Cluster.url`), those of another server whose folder has the same name.
        """
        self.root = root
        self.folder = folder
        self.trust_fingerprint = trust_fingerprint
        self.server = server
        # The record of the cluster, and the state of the file that it is from.
        self._record: tuple[ClusterRecord, Signature | None] | None = None
        # Why the folders are not trusted, "" if they are, whether another is used in place of the cluster's, and when
        # all that was looked at.
        self._distrust = ""
        self._is_superseded = False
        self._looked_at = float("-inf")
        # A warm start writes nothing.
        self._writer: Once[DocumentWriter] = Once()
        self._noted = 0.0

    def path(self, key: str) -> str:
        """The file of a document; "" for a key that cannot be one."""
        if key == GROUPS:
            return os.path.join(self.folder, GROUPS_FILE)
        # A warm start reads the index alone, and needs no names checked.
        from ..model.names import is_group_name, is_version_name

        group, slash, version = key.rpartition("/")
        # A group of this name would be a folder where kubectl wants its file.
        if not is_version_name(version) or (slash and (not is_group_name(group) or group == GROUPS_FILE)):
            return ""
        return os.path.join(self.folder, *([group] if slash else []), version, RESOURCES_FILE)

    def read(self, key: str) -> StoredFile | None:
        """A document's bytes, or None: absent, unreadable, a link, a folder, another user's, too large."""
        path = self.path(key)
        if not path or not self.may_use(path):
            return None
        stored = read_file(path, MAX_FILE_BYTES)
        # After reading: whoever starts over says so before putting documents there.
        return stored if self.is_of_cluster() else None

    def signature(self, key: str) -> Signature | None:
        """The state of a document's file without reading it; None where `read` would find nothing."""
        path = self.path(key)
        if not path or not self.may_use(path):
            return None
        signature = signature_of(path)
        return signature if self.is_of_cluster() else None

    def write(self, key: str, data: bytes, mtime: float, epoch: str = "") -> Signature | None:
        """Replace a document, as of `mtime` (seconds since the epoch); its new state, or None if it was not written.

        A document from another `epoch` (`ClusterRecord.epoch`) than the record's is not written. A disk that cannot be
        written costs one warning, and is tried again after a while.
        """
        path = self.path(key)
        if not path or not self._may_write():
            return None
        if epoch and self.record().epoch not in ("", epoch):
            return None
        if not self.is_of_cluster():
            from .cluster_record import new_record

            self.start_over(new_record(self.server, self.trust_fingerprint))
        written = self._writer.get(self._make_writer).write(path, data, mtime)
        if written is None or not epoch or self.record().epoch == epoch:
            return written
        # Another process has found another cluster here since this was asked for.
        self.remove(key)
        return None

    def remove(self, key: str) -> bool:
        """Remove a document's file; whether there was one. What cannot be removed is no error."""
        try:
            return self.unlink(key)
        except (OSError, ValueError) as error:
            log.debug("cannot remove %s: %s", self.path(key), error)
            return False

    def unlink(self, key: str) -> bool:
        """Remove a document's file; whether there was one. Raises `OSError` if it stays.

        Where nothing in the cluster's folder can be removed, the platform's cache folder is used in its place from
        then on, if it can be: see `supersede`.
        """
        path = self.path(key)
        if not path or self.distrust() or not os.path.lexists(path) or is_folder(path):
            return False
        try:
            return self._writer.get(self._make_writer).unlink(path)
        except OSError:
            self.supersede()
            raise

    def distrust(self) -> str:
        """Why the folders down to the cluster's are not to be trusted, in words; "" if they are. It is logged once."""
        self._look()
        return self._distrust

    def is_superseded(self) -> bool:
        """Whether the platform's cache folder is used in place of this one, which cannot be written."""
        self._look()
        return self._is_superseded

    def supersede(self) -> bool:
        """Have the platform's cache folder used in place of this one, if this one cannot be written; whether it is.

        So nobody but kubectl goes on using what cannot be removed.
        """
        layout.supersede(self.root, self.folder)
        self._looked_at = float("-inf")
        return self.is_superseded()

    def make(self) -> bool:
        """Make the folder, which is trusted, if need be; whether it is there."""
        try:
            make_folder(self.folder, self.root)
        except (OSError, ValueError):
            return False
        return True

    def may_use(self, path: str) -> bool:
        """Whether the folders of a document's file `path` are trusted, and what is in them could be removed again.

        Where nothing at all could be removed, the folder is used as it is until it is superseded.
        """
        folder = os.path.dirname(path)
        if self.distrust() or self.is_superseded() or distrust_below(self.folder, folder):
            return False
        return folder == self.folder or os.access(folder, os.W_OK) or not os.access(self.folder, os.W_OK)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked_at < _LOOK_SECONDS:
            return
        reason = distrust_of_path(self.root, self.folder)
        self._is_superseded = not reason and layout.is_superseded(self.root, self.folder)
        known, self._distrust, self._looked_at = self._distrust, reason, now
        if reason and reason != known:
            log.warning("the discovery cache is not used: %s", reason)

    def record(self) -> ClusterRecord:
        """What is known of the cluster that the documents are from."""
        from .cluster_record import RECORD_FILE, ClusterRecord, read_record

        if self.distrust():
            return ClusterRecord()
        state = signature_of(os.path.join(self.folder, RECORD_FILE))
        known = self._record
        if known is None or state != known[1]:
            known = self._record = (read_record(self.folder), state)
        return known[0]

    def keep_record(self, record: ClusterRecord) -> bool:
        """Put `record` in the place of what is known; whether that could be done."""
        from .cluster_record import write_record

        return self._may_write() and self.make() and write_record(self.folder, record)

    def record_lock(self) -> AbstractContextManager[object]:
        """Held while the record is compared and changed."""
        from .lock import file_lock

        can_lock = self._may_write() and self.make()
        return file_lock(os.path.join(self.folder, RECORD_LOCK_FILE) if can_lock else "")

    def start_over(self, record: ClusterRecord) -> bool:
        """Remove all documents: they are not of the cluster of `record`, and those written from now on are.

        Whether that could be said on disk.
        """
        from .cluster_record import new_record

        # As long as it is nobody's, no process reads documents here or writes any.
        self.keep_record(new_record(_NOBODY))
        self.remove_all()
        return self.keep_record(record)

    def remove_all(self) -> int:
        """Remove all documents; how many there were. The groups first: without them nobody takes the rest for all."""
        return sum(map(self.remove, sorted(self.keys())))

    def keys(self, but: Set[str] = frozenset()) -> Iterator[str]:
        """The keys of all documents that have a file here, `GROUPS` among them, `but` not those."""
        if self.distrust():
            return
        from .document_keys import keys_below

        for key in keys_below(self.folder):
            if key not in but and self.path(key) and os.path.lexists(self.path(key)):
                yield key

    def note_fetch(self, asked_at: float) -> None:
        """Note on disk that the documents dated `asked_at` were asked for then, and not just written."""
        if self._may_write() and self._noted != asked_at and self.make():
            self._noted = asked_at
            from .fetches import note_fetch

            note_fetch(self.folder, asked_at)

    def was_fetch(self, moment: int) -> bool:
        """Whether documents dated `moment` (nanoseconds since the epoch) were noted, by any process, not long ago."""
        from .fetches import was_fetch

        return was_fetch(self.folder, moment)

    def lock_path(self) -> str:
        """The file to lock while fetching, its folder made; "" where there can be none."""
        return os.path.join(self.folder, LOCK_FILE) if self._may_write() and self.make() else ""

    def _may_write(self) -> bool:
        writer = self._writer.made
        return (writer is None or writer.may_try) and not self.distrust() and not self.is_superseded()

    def _make_writer(self) -> DocumentWriter:
        from .document_writer import DocumentWriter

        return DocumentWriter(self.root, self.folder)

    def is_of_cluster(self) -> bool:
        """Whether the documents here may be of the cluster that this store is for."""
        return not (self.trust_fingerprint or self.server) or self.record().is_of(self.server, self.trust_fingerprint)


def open_store(
    server: str | Cluster, cache_dir: str = "", environ: Mapping[str, str] | None = None
) -> DocumentStore | None:
    """The store of a cluster, or of its URL: under kubectl's root, else under the platform's cache folder.

    Without a `Cluster`, two clusters behind one URL cannot be told apart before the server is asked.
    `cache_dir` is an explicit root. A root that cannot be written but holds the cluster's documents is
    used as it is. None, with a warning, where there is no place at all: the cache is then in memory.
    Raises `ConfigError` for a URL whose password cannot be told from the rest of it.
    """
    cluster = Cluster(server) if isinstance(server, str) else server
    if "@" in cluster.server:
        from ..config.server_url import split_server

        split_server(cluster.server)
    place, root = layout.place_of(cluster, cache_dir, environ), layout.cache_root(cache_dir, environ)
    if place is not None and place[0] == root:
        return DocumentStore(*place, cluster.trust_fingerprint, cluster.url)
    reason = distrust_of_path(root, layout.cluster_folder(root, cluster)) if root else ""
    if place is None:
        why = f" ({reason})" if reason else ""
        roots = root or "a home folder", layout.platform_cache_root()
        log.warning("neither %s nor %s can hold the discovery cache%s: going on without", *roots, why)
        return None
    if reason:
        log.warning("the discovery cache is not used: %s; using %s in its place", reason, place[0])
    return DocumentStore(*place, cluster.trust_fingerprint, cluster.url)
