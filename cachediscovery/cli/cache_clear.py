"""`cache clear`: remove all documents of all clusters."""

from __future__ import annotations

import os

from ..disk.inventory import remove
from .flags import Parsed
from .stdout import write
from .upkeep import clusters_of, root_of


def run(parsed: Parsed) -> int:
    clusters = clusters_of(parsed)
    paths = [
        path
        for cluster in clusters
        for path in (*(item.path for item in cluster.documents), *cluster.extra, *cluster.leftovers)
    ]
    removed = remove(paths, os.path.join(root_of(parsed), "discovery"))
    noun = "cluster" if len(clusters) == 1 else "clusters"
    write(f"removed {removed} files of {len(clusters)} {noun}\n")
    return 0
