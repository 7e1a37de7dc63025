"""The contents of a cache root: clusters, documents, leftovers. And their removal, which touches nothing else."""

from __future__ import annotations

import os
import time

from .. import _log as log
from ..disk.cluster_record import RECORD_FILE, ClusterRecord
from ..disk.document_store import GROUPS, LOCK_FILE, MAX_FILE_BYTES, RECORD_LOCK_FILE, DocumentStore
from ..disk.fetches import FETCHES_FILE
from ..disk.files import LEFTOVER_SECONDS, read_file, reason_of
from ..disk.layout import GROUPS_FILE, RESOURCES_FILE, TEMPORARY, cache_root, cluster_folder, platform_cache_root
from ..disk.remembered import REMEMBERED_FOLDER, is_outdated, is_remembered_name
from ..disk.response_file import FOLDER, OPENAPI, is_response_name, is_url, is_whole
from ..disk.trust import distrust_below, distrust_of_path
from ..index.index_file import INDEX_FILE
from ..model.documents import group_list_from, parse_object, resource_list_from
from ..model.fields import MalformedDocument
from ..model.records import NamedTuple
from .openapi_inventory import is_unnamed, keys_of, stored_index_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..config.cluster import Cluster

FRESH, EXPIRED, BROKEN = "fresh", "expired", "broken"
_OURS = (LOCK_FILE, FETCHES_FILE, INDEX_FILE, RECORD_FILE, RECORD_LOCK_FILE)


class DocumentEntry(NamedTuple):
    """One document's file: key (a group version, "" for the groups), path, size in bytes, age in seconds, state."""

    key: str
    path: str
    size: int
    age: float
    state: str


class ClusterEntry(NamedTuple):
    """One cluster's folder. `host` is its path below `discovery`; `extra` are our own files, `leftovers` temporary.

    `record` says which cluster the documents are from; it is empty if only kubectl has written them. With its URL the
    documents include those of OpenAPI, which are in kubectl's folder `http/`.
    """

    host: str
    folder: str
    documents: tuple[DocumentEntry, ...]
    extra: tuple[str, ...]
    leftovers: tuple[str, ...]
    record: ClusterRecord

    @property
    def server(self) -> str:
        """The URL of the API server; "" if only kubectl has written the documents."""
        return self.record.server

    def count(self, state: str) -> int:
        """The number of documents in the state `state`."""
        return sum(document.state == state for document in self.documents)

    @property
    def size(self) -> int:
        """The size of all documents, in bytes."""
        return sum(document.size for document in self.documents)

    @property
    def paths(self) -> list[str]:
        """All files of the cluster, except those of the user."""
        return [*(document.path for document in self.documents), *self.extra, *self.leftovers]


def clusters_in(root: str, ttl: float) -> list[ClusterEntry]:
    """The clusters below a cache root, by host; none if the root does not exist.

    Does not enter untrusted folders, which are logged as a warning, or follow symbolic links.
    """
    top = os.path.join(root, "discovery")
    found = []
    for folder, folders, files in os.walk(top) if not _is_left_alone(root, top) else ():
        folders[:] = [name for name in sorted(folders) if not _is_left_alone(folder, os.path.join(folder, name))]
        if GROUPS_FILE in files or any(name in files for name in _OURS):
            found.append(_cluster(root, top, folder, files, ttl))
    return found


class SideFile(NamedTuple):
    """A file outside the clusters' folders: a stored response, or a remembered cluster.

    `broken` is also true of a file that is no longer of use.
    """

    path: str
    size: int
    age: float
    broken: bool


def side_files_in(root: str, clusters: Iterable[ClusterEntry]) -> list[SideFile]:
    """The stored responses (kubectl's and ours) and the remembered clusters below a cache root.

    The documents of `clusters`, those in this root, are left out.
    """
    found = []
    clusters = list(clusters)
    documents = {document.path for cluster in clusters for document in cluster.documents}
    servers = [cluster.server for cluster in clusters if any(item.key == OPENAPI[1:] for item in cluster.documents)]

    def is_useless_response(path: str) -> bool:
        stored = read_file(path, MAX_FILE_BYTES)
        return stored is None or not is_whole(stored.data) or is_unnamed(path, stored.data, servers)

    for name_of_folder, is_named, is_useless in (
        (FOLDER, is_response_name, is_useless_response),
        (REMEMBERED_FOLDER, is_remembered_name, is_outdated),
    ):
        folder = os.path.join(root, name_of_folder)
        if _is_left_alone(root, folder):
            continue
        try:
            with os.scandir(folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    name, _, suffix = entry.name.partition(".")
                    if entry.path in documents:
                        continue
                    if is_named(name) and (not suffix or _is_random(suffix)) and entry.is_file(follow_symlinks=False):
                        state = entry.stat(follow_symlinks=False)
                        age = time.time() - state.st_mtime
                        broken = age > LEFTOVER_SECONDS if suffix else is_useless(entry.path)
                        found.append(SideFile(entry.path, state.st_size, age, broken))
        except OSError:
            continue
    return found


def remove(paths: Iterable[str], root: str) -> tuple[int, dict[str, str]]:
    """Remove files below a cache root, and the folders that become empty.

    Returns the number of files removed, and the reasons why others could not be, by path.
    """
    removed, kept = 0, {}
    for path in paths:
        folder = os.path.dirname(path)
        reason = distrust_of_path(root, folder)
        if reason:
            kept[path] = reason
            continue
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            kept[path] = reason_of(error)
            continue
        removed += 1
        while folder.startswith(root + os.sep):
            try:
                os.rmdir(folder)
            except OSError:
                break
            folder = os.path.dirname(folder)
    return removed, kept


def _is_left_alone(top: str, folder: str) -> bool:
    reason = distrust_below(top, folder)
    if reason:
        log.warning("%s: what is there is left alone", reason)
    return bool(reason)


def _cluster(root: str, top: str, folder: str, files: list[str], ttl: float) -> ClusterEntry:
    record = DocumentStore(root, folder).record()
    store = DocumentStore(root, folder, server=record.server)
    keys = [(key, key) for key in store.keys() if not is_url(key)]
    index = stored_index_of(store)
    keys += keys_of(store, index) if store.server else ()
    documents = tuple(entry for name, key in keys if (entry := _document(store, name, key, ttl)) is not None)
    extra = tuple(os.path.join(folder, name) for name in files if name in _OURS)
    leftovers = tuple(_leftovers(store, folder))
    return ClusterEntry(os.path.relpath(folder, top), folder, documents, extra, leftovers, record)


def _document(store: DocumentStore, name: str, key: str, ttl: float) -> DocumentEntry | None:
    path = store.path(key)
    try:
        found = os.lstat(path)
    except OSError:
        return None
    age = time.time() - found.st_mtime
    return DocumentEntry(name, path, found.st_size, age, _state(store, key, age, ttl))


def _state(store: DocumentStore, key: str, age: float, ttl: float) -> str:
    if store.is_superseded():
        return EXPIRED
    stored = store.read(key)
    if stored is None:
        return BROKEN
    if is_url(key):
        # A document with a hash in its URL never changes.
        is_broken = not is_whole(stored.data) or (key.endswith(OPENAPI) and stored_index_of(store) is None)
        return BROKEN if is_broken else EXPIRED if age >= ttl and "hash=" not in key else FRESH
    try:
        parsed = parse_object(stored.data)
        if key == GROUPS:
            group_list_from(parsed, strict=True)
        else:
            resource_list_from(parsed, key, strict=True)
    except MalformedDocument:
        return BROKEN
    return EXPIRED if age >= ttl else FRESH


def _leftovers(store: DocumentStore, folder: str) -> Iterator[str]:
    """Abandoned temporary files, kubectl's and the package's own."""
    folders = [folder, *(os.path.dirname(store.path(key)) for key in store.keys() if key != GROUPS and not is_url(key))]
    prefixes = tuple(f"{name}." for name in (GROUPS_FILE, RESOURCES_FILE, INDEX_FILE, RECORD_FILE, TEMPORARY))
    for place in folders:
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if not entry.name.startswith(prefixes) or not _is_random(entry.name.rpartition(".")[2]):
                        continue
                    if not entry.is_file(follow_symlinks=False):
                        continue
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > LEFTOVER_SECONDS:
                        yield entry.path
        except OSError:
            continue


def _is_random(suffix: str) -> bool:
    """Whether a suffix was generated by a writer, decimal (kubectl) or hexadecimal (ours), unlike a user's `.bak`."""
    return len(suffix) >= 6 and not suffix.strip("0123456789abcdef") and any(map(str.isdigit, suffix))


def stores_of(cluster: Cluster, cache_dir: str = "", environ: Mapping[str, str] | None = None) -> list[DocumentStore]:
    """All stores that may hold a cluster's documents: below kubectl's root, and below the platform's cache folder."""
    roots = dict.fromkeys(root for root in (cache_root(cache_dir, environ), platform_cache_root()) if root)
    return [
        DocumentStore(root, cluster_folder(root, cluster), cluster.trust_fingerprint, cluster.url) for root in roots
    ]
