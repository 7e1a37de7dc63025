"""`DocumentStore`: one cluster's documents, a file each, in kubectl's layout.

It knows bytes, not what they mean: reading never fails (what cannot be read is not there), and
writing replaces a file whole or not at all.
"""

from __future__ import annotations

import errno
import os

from .. import log
from ..concurrency import Lock
from ..config.cluster import Cluster
from ..names import is_group_name, is_version_name
from .cluster_record import RECORD_FILE, ClusterRecord, read_record, write_record
from .files import (
    Signature,
    StoredFile,
    folders_between,
    is_folder,
    make_folder,
    overwrite,
    read_file,
    read_part,
    refresh_file,
    replace_file,
    signature_of,
    to_nanoseconds,
)
from .layout import cache_root, place_of, platform_cache_root
from .trust import distrust_of_cluster

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

# The key of servergroups.json; every other key is a group version.
GROUPS = ""
GROUPS_FILE = "servergroups.json"
RESOURCES_FILE = "serverresources.json"
LOCK_FILE = ".cachediscovery.lock"
FETCHES_FILE = ".cachediscovery.fetches"
MAX_FILE_BYTES = 64 << 20

# The file of fetches is a table of the moments of that many, each in a place of its own.
_NOTES = 509
_NOTE = b"%020d\n"

# Something else stands where this one document or its folder belongs: no reason to give up on the others.
_IN_THE_WAY = (errno.EISDIR, errno.ENOTDIR, errno.ELOOP)


class DocumentStore:
    """The documents below one cluster's folder. Safe for use by several threads and processes.

    A key is `GROUPS` or a group version such as `apps/v1`. Keys that are no safe path have no file.
    """

    def __init__(self, root: str, folder: str, authority: str = "") -> None:
        """`folder` is the cluster's, as `layout.cluster_folder` names it, below `root`.

        With an `authority` (`Cluster.authority`) the documents of a cluster with another one are not there.
        """
        self.root = root
        self.folder = folder
        self.authority = authority
        # The record of the cluster, and the state of the file that it is from.
        self._record: tuple[ClusterRecord, Signature | None] = (ClusterRecord(), None)
        self._mutex = Lock()
        self._may_write = True
        self._trusted: bool | None = None
        self._noted = 0.0

    def path(self, key: str) -> str:
        """The file of a document; "" for a key that cannot be one."""
        if key == GROUPS:
            return os.path.join(self.folder, GROUPS_FILE)
        group, slash, version = key.rpartition("/")
        # A group of this name would be a folder where kubectl wants its file.
        if not is_version_name(version) or (slash and (not is_group_name(group) or group == GROUPS_FILE)):
            return ""
        return os.path.join(self.folder, *([group] if slash else []), version, RESOURCES_FILE)

    def read(self, key: str) -> StoredFile | None:
        """A document's bytes, or None: absent, unreadable, a link, a folder, another user's, too large."""
        path = self.path(key)
        if not path or not self._is_trusted() or not self._is_plain(path):
            return None
        stored = read_file(path, MAX_FILE_BYTES)
        # After reading: whoever starts over says so before putting documents there.
        return stored if self.is_of_cluster() else None

    def signature(self, key: str) -> Signature | None:
        """The state of a document's file without reading it; None where `read` would find nothing."""
        path = self.path(key)
        if not path or not self._is_trusted():
            return None
        signature = signature_of(path)
        return signature if self.is_of_cluster() else None

    def write(self, key: str, data: bytes, mtime: float) -> Signature | None:
        """Replace a document, as of `mtime` (seconds since the epoch); its new state, or None if it was not written.

        A folder that cannot be written costs one warning, and is then left alone by this store.
        """
        path = self.path(key)
        if not path or not self._may_write or not self._is_trusted():
            return None
        try:
            if not self.is_of_cluster():
                self.start_over(ClusterRecord(self.authority))
            unchanged = refresh_file(path, data, mtime) if self._is_plain(path) else None
            if unchanged is not None:
                return unchanged
            make_folder(os.path.dirname(path), self.folder)
            return replace_file(path, data, mtime)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) in _IN_THE_WAY:
                log.debug("cannot write %s: %s", path, error)
                return None
            self._give_up(error)
        return None

    def remove(self, key: str) -> bool:
        """Remove a document's file; whether there was one."""
        path = self.path(key)
        if not path or not self._is_trusted() or not self._is_plain(path):
            return False
        try:
            os.unlink(path)
        except (OSError, ValueError):
            return False
        return True

    def record(self) -> ClusterRecord:
        """What is known of the cluster that the documents are from."""
        if not self._is_trusted():
            return ClusterRecord()
        state = signature_of(os.path.join(self.folder, RECORD_FILE))
        if state != self._record[1]:
            self._record = (read_record(self.folder), state)
        return self._record[0]

    def keep_record(self, record: ClusterRecord) -> bool:
        """Put `record` in the place of what is known; whether that could be done."""
        return self._may_write and self._has_folder() and write_record(self.folder, record)

    def start_over(self, record: ClusterRecord) -> bool:
        """Remove all documents: they are not of the cluster of `record`, and those written from now on are.

        Whether that could be said on disk.
        """
        self.remove_all()
        kept = self.keep_record(record)
        # What a process on the other cluster has written in between; from here on it sees whose folder this is.
        self.remove_all()
        return kept

    def remove_all(self) -> int:
        """Remove all documents; how many there were. The groups first: without them nobody takes the rest for all."""
        return sum(map(self.remove, sorted(self.keys(), key=lambda key: key != GROUPS)))

    def keys(self, but: Set[str] = frozenset()) -> Iterator[str]:
        """The keys of all documents that have a file here, `GROUPS` among them, `but` not those."""
        if not self._is_trusted():
            return
        if GROUPS not in but and os.path.lexists(self.path(GROUPS)):
            yield GROUPS
        for first in _entries_of(self.folder)[0]:
            folders, names = _entries_of(os.path.join(self.folder, first))
            if GROUPS_FILE in names:
                # Another cluster, whose URL goes on where this one's ends.
                continue
            if RESOURCES_FILE in names and first not in but and self.path(first):
                yield first
            for second in folders:
                key = f"{first}/{second}"
                if key not in but and self.path(key) and os.path.lexists(self.path(key)):
                    yield key

    def note_fetch(self, asked_at: float) -> None:
        """Note on disk that the documents dated `asked_at` were asked for then, and not just written."""
        if not self._may_write or self._noted == asked_at or not self._has_folder():
            return
        self._noted = asked_at
        moment = to_nanoseconds(asked_at)
        overwrite(os.path.join(self.folder, FETCHES_FILE), _NOTE % moment, _place_of(moment))

    def was_fetch(self, moment: int) -> bool:
        """Whether documents dated `moment` (nanoseconds since the epoch) were noted, by any process, not long ago."""
        note = _NOTE % moment
        return read_part(os.path.join(self.folder, FETCHES_FILE), _place_of(moment), len(note)) == note

    def lock_path(self) -> str:
        """The file to lock while fetching, its folder made; "" where there can be none."""
        return os.path.join(self.folder, LOCK_FILE) if self._may_write and self._has_folder() else ""

    def _has_folder(self) -> bool:
        """Whether the cluster's folder is there, made if need be, and may be used."""
        if not self._is_trusted():
            return False
        try:
            make_folder(self.folder, self.folder)
        except (OSError, ValueError):
            return False
        return True

    def _give_up(self, error: Exception) -> None:
        """Write no more, and say so once, however many threads find out at a time."""
        with self._mutex:
            said, self._may_write = not self._may_write, False
        if not said:
            log.warning("the discovery cache %s cannot be written (%s): going on without", self.folder, _reason(error))

    def _is_trusted(self) -> bool:
        if self._trusted is None:
            reason = distrust_of_cluster(self.root, self.folder)
            self._trusted = not reason
            if reason:
                log.warning("the discovery cache is not used: %s", reason)
        return self._trusted

    def is_of_cluster(self) -> bool:
        """Whether the documents here may be of the cluster that this store is for."""
        return not self.authority or self.record().is_of(self.authority)

    def _is_plain(self, path: str) -> bool:
        """Whether the folders from the cluster's down to `path` are folders, and no links to elsewhere."""
        return all(map(is_folder, folders_between(self.folder, path)))


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
    place = place_of(cluster, cache_dir, environ)
    if place is not None:
        return DocumentStore(*place, cluster.authority)
    root = cache_root(cache_dir, environ) or "a home folder"
    log.warning("neither %s nor %s can hold the discovery cache: going on without", root, platform_cache_root())
    return None


def _place_of(moment: int) -> int:
    """Where in the file a fetch is noted: what is overwritten by a later one costs time only."""
    return moment % _NOTES * len(_NOTE % 0)


def _entries_of(path: str) -> tuple[list[str], list[str]]:
    """The names of the folders in a folder, in their order, and those of all that is in it."""
    folders: list[str] = []
    names: list[str] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                names.append(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
    except OSError:
        return [], []
    return sorted(folders), names


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
