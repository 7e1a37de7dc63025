"""`cache prune`: remove what is of no use any more; `--dry-run` only says what."""

from __future__ import annotations

import os

from ..disk.inventory import FRESH, ClusterEntry, remove, side_files_in
from .flags import Parsed
from .output import warn, write
from .upkeep import clusters_of, known_folders, root_of

# Stored responses save an expired cluster the way over the wire; for one that nobody asks for they are of no use.
_SIDE_FILE_SECONDS = 30 * 24 * 3600.0


def run(parsed: Parsed) -> int:
    root = root_of(parsed)
    known = known_folders(root, parsed.text("kubeconfig"))
    if known is None:
        warn("no kubeconfig says which clusters are still in use: none is taken for orphaned")
    doomed = [path for cluster in clusters_of(parsed) for path in _doomed(cluster, known)]
    doomed += [file.path for file in side_files_in(root) if file.broken or file.age > _SIDE_FILE_SECONDS]
    if parsed.flag("dry-run"):
        write("".join(f"would remove {path}\n" for path in doomed) + f"would remove {_count(len(doomed))}\n")
        return 0
    removed = remove(doomed, root)
    write(f"removed {_count(removed)}\n")
    return 0


def _doomed(cluster: ClusterEntry, known: set[str] | None) -> list[str]:
    """Expired and broken documents and torn leftovers; everything of a cluster that is in no kubeconfig."""
    orphaned = known is not None and os.path.normpath(cluster.folder) not in known
    documents = [item.path for item in cluster.documents if orphaned or item.state != FRESH]
    # An index or a lock of nothing is nothing.
    extra = cluster.extra if len(documents) == len(cluster.documents) else ()
    return [*documents, *extra, *cluster.leftovers]


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"
