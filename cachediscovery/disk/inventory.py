"""What is in a cache root: clusters, documents, leftovers. And how to remove it, touching nothing else."""

from __future__ import annotations

import os
import time

from ..documents import group_list_from, parse_object, resource_list_from
from ..fields import MalformedDocument
from ..index.index_file import INDEX_FILE
from ..records import NamedTuple
from .cluster_record import RECORD_FILE
from .files import read_file
from .http_store import FOLDER, is_response_name, is_whole_response
from .remembered import REMEMBERED_FOLDER, is_remembered_name
from .store import (
    FETCHES_FILE,
    GROUPS,
    GROUPS_FILE,
    LOCK_FILE,
    MAX_FILE_BYTES,
    RECORD_LOCK_FILE,
    RESOURCES_FILE,
    DocumentStore,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FRESH, EXPIRED, BROKEN = "fresh", "expired", "broken"
_OURS = (LOCK_FILE, FETCHES_FILE, INDEX_FILE, RECORD_FILE, RECORD_LOCK_FILE)
# What a writer was about to rename when it was killed; a live one needs no second.
_LEFTOVER_SECONDS = 600.0


class DocumentEntry(NamedTuple):
    """One document's file: its key (a group version, "" for the groups), size in bytes, age in seconds, state."""

    key: str
    path: str
    size: int
    age: float
    state: str


class ClusterEntry(NamedTuple):
    """One cluster's folder. `host` is its path below `discovery`; `extra` are our own files, `leftovers` torn ones."""

    host: str
    folder: str
    documents: tuple[DocumentEntry, ...]
    extra: tuple[str, ...]
    leftovers: tuple[str, ...]

    def count(self, state: str) -> int:
        return sum(document.state == state for document in self.documents)

    @property
    def size(self) -> int:
        return sum(document.size for document in self.documents)


def clusters_in(root: str, ttl: float) -> list[ClusterEntry]:
    """The clusters below a cache root, by host. No symbolic link is followed; a root that is not there has none."""
    top = os.path.join(root, "discovery")
    found = []
    for folder, folders, files in os.walk(top):
        folders.sort()
        if GROUPS_FILE in files or any(name in files for name in _OURS):
            found.append(_cluster(root, top, folder, files, ttl))
    return found


class SideFile(NamedTuple):
    """A file that is of no one cluster's folder: a stored response, or a remembered cluster."""

    path: str
    size: int
    age: float
    broken: bool


def side_files_in(root: str) -> list[SideFile]:
    """The stored responses (kubectl's and ours) and the remembered clusters below a cache root."""
    found = []
    for folder, is_named, is_whole in (
        (FOLDER, is_response_name, is_whole_response),
        (REMEMBERED_FOLDER, is_remembered_name, None),
    ):
        try:
            with os.scandir(os.path.join(root, folder)) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    name, _, suffix = entry.name.partition(".")
                    if is_named(name) and (not suffix or _is_random(suffix)) and entry.is_file(follow_symlinks=False):
                        state = entry.stat(follow_symlinks=False)
                        broken = is_whole is not None and not suffix and not is_whole(entry.path)
                        broken = broken or (bool(suffix) and time.time() - state.st_mtime > _LEFTOVER_SECONDS)
                        found.append(SideFile(entry.path, state.st_size, time.time() - state.st_mtime, broken))
        except OSError:
            continue
    return found


def remove(paths: Iterable[str], top: str) -> int:
    """Remove files, and the folders below `top` that are empty then; how many files were removed."""
    removed = 0
    for path in paths:
        try:
            os.unlink(path)
        except OSError:
            continue
        removed += 1
        folder = os.path.dirname(path)
        while folder.startswith(top + os.sep):
            try:
                os.rmdir(folder)
            except OSError:
                break
            folder = os.path.dirname(folder)
    return removed


def _cluster(root: str, top: str, folder: str, files: list[str], ttl: float) -> ClusterEntry:
    store = DocumentStore(root, folder)
    documents = tuple(entry for key in store.keys() if (entry := _document(store, key, ttl)) is not None)
    extra = tuple(os.path.join(folder, name) for name in files if name in _OURS)
    return ClusterEntry(os.path.relpath(folder, top), folder, documents, extra, tuple(_leftovers(store, folder)))


def _document(store: DocumentStore, key: str, ttl: float) -> DocumentEntry | None:
    path = store.path(key)
    try:
        found = os.lstat(path)
    except OSError:
        return None
    age = time.time() - found.st_mtime
    return DocumentEntry(key, path, found.st_size, age, _state(path, key, age, ttl))


def _state(path: str, key: str, age: float, ttl: float) -> str:
    stored = read_file(path, MAX_FILE_BYTES)
    if stored is None:
        return BROKEN
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
    """Temporary files, kubectl's and ours, that nobody will rename any more."""
    folders = [folder, *(os.path.dirname(store.path(key)) for key in store.keys() if key != GROUPS)]
    prefixes = tuple(f"{name}." for name in (GROUPS_FILE, RESOURCES_FILE, INDEX_FILE, RECORD_FILE))
    for place in folders:
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if not entry.name.startswith(prefixes) or not _is_random(entry.name.rpartition(".")[2]):
                        continue
                    if not entry.is_file(follow_symlinks=False):
                        continue
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _LEFTOVER_SECONDS:
                        yield entry.path
        except OSError:
            continue


def _is_random(suffix: str) -> bool:
    """Whether a suffix is one that a writer made up: decimal (kubectl) or hexadecimal (ours), and no user's `.bak`."""
    return len(suffix) >= 6 and not suffix.strip("0123456789abcdef") and any(map(str.isdigit, suffix))
