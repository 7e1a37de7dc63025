"""`cache clear`: remove all documents of all clusters."""

from __future__ import annotations

from ...cache.inventory import clusters_in, remove, side_files_in
from ...disk.document_store import DocumentStore
from ..flags import Parsed
from ..output import write
from ..session import ttl_from
from ..upkeep import kept_in_words, report, roots_of


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    roots, problems = roots_of(parsed)
    # The platform's root first: superseding a folder creates its successor there.
    removed = cleared = 0
    for root in reversed(roots):
        clusters = clusters_in(root, ttl_from(parsed))
        # Listed first: the index tells which of the responses are its documents.
        side_files = side_files_in(root, clusters)
        for cluster in clusters:
            documents = [item.path for item in cluster.documents]
            count, kept = remove([*documents, *cluster.extra, *cluster.leftovers], root)
            if kept:
                problems.append(kept_in_words(kept, DocumentStore(root, cluster.folder)))
            removed, cleared = removed + count, cleared + 1
        count, kept = remove([file.path for file in side_files], root)
        if kept:
            problems.append(kept_in_words(kept))
        removed += count
    noun = "cluster" if cleared == 1 else "clusters"
    write(f"removed {removed} files of {cleared} {noun}\n")
    return report(problems)
