"""`cache clear`: remove all documents of all clusters."""

from __future__ import annotations

from ..disk.inventory import remove, side_files_in
from .flags import Parsed
from .output import write
from .upkeep import clusters_of, root_of


def run(parsed: Parsed) -> int:
    clusters = clusters_of(parsed)
    paths = [
        path
        for cluster in clusters
        for path in (*(item.path for item in cluster.documents), *cluster.extra, *cluster.leftovers)
    ]
    root = root_of(parsed)
    removed = remove([*paths, *(file.path for file in side_files_in(root))], root)
    noun = "cluster" if len(clusters) == 1 else "clusters"
    write(f"removed {removed} files of {len(clusters)} {noun}\n")
    return 0
