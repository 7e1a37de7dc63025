"""`DocumentStore`: one cluster's documents, one file each, in kubectl's layout.

It handles bytes, without parsing them. A file that cannot be read counts as missing. Files are replaced atomically.
"""

from __future__ import annotations

import os
import time

from .. import _log as log
from .._concurrency import Once
from ..config.cluster import cluster_at
from . import layout
from .files import Signature, StoredFile, is_folder, make_folder, read_file, signature_of
from .layout import GROUPS_FILE, RESOURCES_FILE, is_url
from .trust import distrust_of_file, distrust_of_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set
    from contextlib import AbstractContextManager

    from ..config.arguments import PathArgument
    from ..config.cluster import Cluster
    from .cluster_record import ClusterRecord
    from .document_writer import DocumentWriter

GROUPS = ""  # the key of servergroups.json; the others are group versions and URLs
LOCK_FILE = ".cachediscovery.lock"
RECORD_LOCK_FILE = ".cachediscovery.cluster-lock"
MAX_FILE_BYTES = 64 << 20
# No server has this URL.
_NOBODY = "-"
# Seconds between two checks of the folders.
_LOOK_SECONDS = 1.0


class DocumentStore:
    """The documents below one cluster's folder. Safe for use by several threads and processes.

    A key is `GROUPS`, a group version such as `apps/v1`, or the URL of a response in kubectl's folder `http/`. Keys
    that are not safe paths have no file.
    """

    def __init__(self, root: str, folder: str, trust_fingerprint: str = "", server: str = "") -> None:
        """Use the cluster's `folder` below `root`, as `layout.cluster_folder` names it.

        Documents count as missing if the cluster they are from has another `trust_fingerprint`
        (`Cluster.trust_fingerprint`), or another `server` (`Cluster.url`) with the same folder name.
        """
        self.root = root
        self.folder = folder
        self.trust_fingerprint = trust_fingerprint
        self.server = server
        # The record of the cluster, and the state of its file.
        self._record: tuple[ClusterRecord, Signature | None] | None = None
        # Why the folders are not trusted, "" if they are; whether this one is superseded; when both were checked.
        self._distrust = ""
        self._is_superseded = False
        self._looked_at = float("-inf")
        # A warm start writes nothing.
        self._writer: Once[DocumentWriter] = Once()
        self._noted = 0.0

    def path(self, key: str) -> str:
        """The path of a document's file; "" for an invalid key."""
        if key == GROUPS:
            return os.path.join(self.folder, GROUPS_FILE)
        if is_url(key):
            # Imported here, as below: a warm start reads only the index, and checks no names.
            from .response_file import response_path

            # Responses are named by URL: two clusters that share one must not share the responses.
            is_shared = "-" in os.path.basename(self.folder)
            return response_path(self.folder if is_shared else self.root, key)
        from ..model.names import is_group_name, is_version_name

        group, slash, version = key.rpartition("/")
        # The folder of a group of this name would take the place of kubectl's file.
        if not is_version_name(version) or (slash and (not is_group_name(group) or group == GROUPS_FILE)):
            return ""
        return os.path.join(self.folder, *([group] if slash else []), version, RESOURCES_FILE)

    def read(self, key: str) -> StoredFile | None:
        """A document's bytes, or None if absent, unreadable, a link, a folder, another user's or too large."""
        path = self.path(key)
        if not path or not self.may_use(path):
            return None
        stored = read_file(path, MAX_FILE_BYTES)
        # Checked after reading: a process that starts over changes the record before it writes documents.
        return stored if self.is_of_cluster() else None

    def signature(self, key: str) -> Signature | None:
        """The state of a document's file, without reading it; None if `read` would return None."""
        path = self.path(key)
        if not path or not self.may_use(path):
            return None
        signature = signature_of(path)
        return signature if self.is_of_cluster() else None

    def write(self, key: str, data: bytes, mtime: float, epoch: str = "") -> Signature | None:
        """Replace a document, dated `mtime` (seconds since the epoch). Its new state; None if it was not written.

        A document from another `epoch` (`ClusterRecord.epoch`) than the record's is not written. If the disk cannot be
        written, log one warning, and retry after a while.
        """
        path = self.path(key)
        if not path or not self._may_write():
            return None
        record = self.record()
        if epoch and record.epoch not in ("", epoch):
            return None
        if not record.is_of(self.server, self.trust_fingerprint):
            from .cluster_record import new_record

            self.start_over(new_record(self.server, self.trust_fingerprint))
        written = self._writer.get(self._make_writer).write(path, data, mtime)
        if written is None or not epoch or self.record().epoch == epoch:
            return written
        # Another process has found another cluster here since this was requested.
        self.remove(key)
        return None

    def remove(self, key: str) -> bool:
        """Remove a document's file; whether there was one. A failure is not an error."""
        try:
            return self.unlink(key)
        except (OSError, ValueError) as error:
            log.debug("cannot remove %s: %s", self.path(key), error)
            return False

    def unlink(self, key: str) -> bool:
        """Remove a document's file; whether there was one. Raises `OSError` if it stays.

        If nothing in the cluster's folder can be removed, fall back to the platform's cache folder: see `supersede`.
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
        """Why the folders down to the cluster's are not trusted, in words; "" if they are. Logged once."""
        self._look()
        return self._distrust

    def is_superseded(self) -> bool:
        """Whether the platform's cache folder is used in place of this one, which cannot be written."""
        self._look()
        return self._is_superseded

    def supersede(self) -> bool:
        """Fall back to the platform's cache folder if this one cannot be written; whether it is used.

        Then only kubectl still uses documents that cannot be removed.
        """
        layout.supersede(self.root, self.folder)
        self._looked_at = float("-inf")
        return self.is_superseded()

    def make(self) -> bool:
        """Make the folder, which must be trusted, if it is missing; whether it exists."""
        try:
            make_folder(self.folder, self.root)
        except (OSError, ValueError):
            return False
        return True

    def may_use(self, path: str) -> bool:
        """Whether the folders of a document's file `path` are trusted, and the file could be removed.

        If nothing at all could be removed, the folder is used as it is until it is superseded.
        """
        folder = os.path.dirname(path)
        if self.distrust() or self.is_superseded() or distrust_of_file(self.root, self.folder, path):
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
        """The record of the cluster that the documents are from."""
        from .cluster_record import RECORD_FILE, ClusterRecord, read_record

        if self.distrust():
            return ClusterRecord()
        state = signature_of(os.path.join(self.folder, RECORD_FILE))
        known = self._record
        if known is None or state != known[1]:
            known = self._record = (read_record(self.folder), state)
        return known[0]

    def keep_record(self, record: ClusterRecord) -> bool:
        """Replace the record on disk; whether that succeeded."""
        from .cluster_record import write_record

        return self._may_write() and self.make() and write_record(self.folder, record)

    def record_lock(self) -> AbstractContextManager[object]:
        """The lock to hold while the record is compared and changed."""
        from .lock import file_lock

        can_lock = self._may_write() and self.make()
        return file_lock(os.path.join(self.folder, RECORD_LOCK_FILE) if can_lock else "")

    def start_over(self, record: ClusterRecord) -> bool:
        """Remove all documents, which are another cluster's, and put `record` on disk; whether that succeeded."""
        from .cluster_record import new_record

        # While the record names no server, no process reads or writes documents here.
        self.keep_record(new_record(_NOBODY))
        self.remove_all()
        return self.keep_record(record)

    def remove_all(self) -> int:
        """Remove all documents; how many there were. Groups first: without them the rest is not taken as complete."""
        return sum(map(self.remove, sorted(self.keys())))

    def keys(self, but: Set[str] = frozenset()) -> Iterator[str]:
        """The keys of all documents with a file, except those in `but`: `GROUPS` and the OpenAPI index among them."""
        if self.distrust():
            return
        from .document_keys import keys_below
        from .response_file import OPENAPI

        for key in keys_below(self.folder):
            if key not in but and self.path(key) and os.path.lexists(self.path(key)):
                yield key
        index = f"{self.server}{OPENAPI}"
        if self.server and index not in but and os.path.lexists(self.path(index)):
            yield index

    def note_fetch(self, asked_at: float) -> None:
        """Note on disk that the documents dated `asked_at` were requested then, not only written."""
        if self._may_write() and self._noted != asked_at and self.make():
            self._noted = asked_at
            from .fetches import note_fetch

            note_fetch(self.folder, asked_at)

    def was_fetch(self, moment: int) -> bool:
        """Whether any process recently noted a fetch at `moment` (nanoseconds since the epoch)."""
        from .fetches import was_fetch

        return was_fetch(self.folder, moment)

    def lock_path(self) -> str:
        """The file to lock while fetching; makes its folder. "" if there can be no lock."""
        return os.path.join(self.folder, LOCK_FILE) if self._may_write() and self.make() else ""

    def _may_write(self) -> bool:
        writer = self._writer.made
        return (writer is None or writer.may_try) and not self.distrust() and not self.is_superseded()

    def _make_writer(self) -> DocumentWriter:
        from .document_writer import DocumentWriter

        return DocumentWriter(self.root, self.folder)

    def is_of_cluster(self) -> bool:
        """Whether the documents here may be of this store's cluster."""
        return not (self.trust_fingerprint or self.server) or self.record().is_of(self.server, self.trust_fingerprint)


def open_store(
    server: str | Cluster, cache_dir: PathArgument = "", environ: Mapping[str, str] | None = None
) -> DocumentStore | None:
    """Open the store of a cluster, or of its URL, below kubectl's root, else below the platform's cache folder.

    With only a URL, two clusters behind it cannot be distinguished before a request. `cache_dir` is an explicit root. A
    root that cannot be written but holds the cluster's documents is used as it is. None, with a warning, if there is no
    place: the cache is then in memory. Raises `ConfigError` for a URL whose password cannot be separated from the rest.
    """
    cluster = cluster_at(server)
    place, root = layout.place_of(cluster, cache_dir, environ), layout.cache_root(cache_dir, environ)
    if place is not None and place[0] == root:
        return DocumentStore(*place, cluster.trust_fingerprint, cluster.url)
    reason = distrust_of_path(root, layout.cluster_folder(root, cluster)) if root else ""
    if place is None:
        why = f" ({reason})" if reason else ""
        message = "neither %s nor %s can hold the discovery cache%s: going on without"
        log.warning(message, root or "a home folder", layout.platform_cache_root(), why)
        return None
    if reason:
        log.warning("the discovery cache is not used: %s; using %s in its place", reason, place[0])
    return DocumentStore(*place, cluster.trust_fingerprint, cluster.url)
