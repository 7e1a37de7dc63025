"""`cache prune`: removes files that are no longer useful. `--dry-run` only prints them."""

from __future__ import annotations

import os

from ...cache.inventory import FRESH, ClusterEntry, clusters_in, remove, side_files_in
from ...disk.remembered import UNUSED_SECONDS
from ...model.errors import DiscoveryError
from ..flags import Parsed
from ..output import count_of, warn, write
from ..session import ttl_from
from ..shared_records import and_records, prune_shared
from ..upkeep import kept_in_words, known_folders, report, roots_of


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    roots, problems = roots_of(parsed)
    doomed = {root: _doomed_below(root, parsed) for root in roots}
    dry = parsed.flag("dry-run")
    try:
        shared = prune_shared(parsed, dry=dry)
    except DiscoveryError as error:
        shared = []
        problems.append(str(error))
    if dry:
        paths = [path for below in doomed.values() for path in below]
        told = "".join(f"would remove {what}\n" for what in (*paths, *shared))
        write(f"{told}would remove {count_of(len(paths), 'file')}{and_records(shared)}\n")
        return report(problems)
    removed = 0
    for root, paths in doomed.items():
        count, kept = remove(paths, root)
        removed += count
        if kept:
            problems.append(kept_in_words(kept))
    write(f"removed {count_of(removed, 'file')}{and_records(shared)}\n")
    return report(problems)


def _doomed_below(root: str, parsed: Parsed) -> list[str]:
    known = known_folders(root, parsed.text("kubeconfig"))
    clusters = clusters_in(root, ttl_from(parsed))
    if known is None and clusters:
        warn("no kubeconfig says which clusters are still in use: none is considered orphaned")
    doomed = [path for cluster in clusters for path in _doomed(cluster, known)]
    # Stored responses still save transfers for an expired cluster, so only those unused for long are removed.
    return doomed + [file.path for file in side_files_in(root, clusters) if file.broken or file.age > UNUSED_SECONDS]


def _doomed(cluster: ClusterEntry, known: set[str] | None) -> list[str]:
    """Expired and broken documents and leftovers; all files of a cluster that is in no kubeconfig."""
    orphaned = known is not None and os.path.normpath(cluster.folder) not in known
    documents = [item.path for item in cluster.documents if orphaned or item.state != FRESH]
    # Without documents, the index and locks are useless.
    extra = cluster.extra if len(documents) == len(cluster.documents) else ()
    return [*documents, *extra, *cluster.leftovers]
