"""`cache clear`: remove all documents of all clusters, or those of the given contexts."""

from __future__ import annotations

import os
import sys

from ...cache.inventory import clusters_in, remove, side_files_in
from ...disk.document_store import DocumentStore
from ..flags import Parsed, UsageError
from ..output import count_of, fail, write
from ..session import Session
from ..shared_flags import has_shared_cache
from ..shared_records import and_records, clear_shared
from ..upkeep import contexts_given, kept_in_words, report, roots_of

# (root, the cluster's folder, "" for files of all clusters, files)
_Part = tuple[str, str, list[str]]


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    contexts, dry = contexts_given(parsed), parsed.flag("dry-run")
    if parsed.given("kubeconfig") and not contexts:
        raise UsageError("--kubeconfig has no effect without a context")
    if parsed.given("shared-cache") and not parsed.flag("shared"):
        raise UsageError("--shared-cache has no effect without --shared")
    if parsed.flag("shared") and not has_shared_cache(parsed):
        raise UsageError("--shared has no effect without --shared-cache")
    if dry and parsed.given("yes"):
        raise UsageError("--yes has no effect with --dry-run")
    roots, problems = roots_of(parsed)
    urls = {Session(parsed, context).cluster.url for context in contexts} if contexts else None
    shared = clear_shared(parsed, urls, dry=True) if parsed.flag("shared") else []
    parts = _parts(roots, _folders(parsed, contexts) if contexts else None)
    paths = [path for _, _, files in parts for path in files]
    clusters = count_of(sum(bool(folder) for _, folder, _ in parts), "cluster")
    if dry:
        told = "".join(f"would remove {what}\n" for what in (*paths, *shared))
        write(f"{told}would remove {count_of(len(paths), 'file')} of {clusters}{and_records(shared)}\n")
        return report(problems)
    what = f"{count_of(len(paths), 'file')} of {clusters}{and_records(shared)}"
    if (paths or shared) and not parsed.flag("yes") and not _agreed(what, roots):
        fail("nothing was removed")
        return 1
    removed = 0
    for root, folder, files in parts:
        count, kept = remove(files, root)
        removed += count
        if kept:
            problems.append(kept_in_words(kept, DocumentStore(root, folder) if folder else None))
    if shared:
        clear_shared(parsed, urls, dry=False)
    write(f"removed {count_of(removed, 'file')} of {clusters}{and_records(shared)}\n")
    return report(problems)


def _folders(parsed: Parsed, contexts: list[str]) -> set[str]:
    """The folders of the contexts' clusters. Raises `DiscoveryError`."""
    stores = [store for context in contexts for store in Session(parsed, context).stores()]
    return {os.path.normpath(store.folder) for store in stores}


def _parts(roots: list[str], folders: set[str] | None) -> list[_Part]:
    """What to remove: the files of the clusters in `folders`; None for all files of all clusters."""
    parts: list[_Part] = []
    # The platform's root first: superseding a folder creates its successor there.
    for root in reversed(roots):
        clusters = clusters_in(root, float("inf"))
        # Listed first: the index tells which of the responses are its documents.
        side_files = side_files_in(root, clusters)
        for cluster in clusters:
            if folders is None or os.path.normpath(cluster.folder) in folders:
                parts.append((root, cluster.folder, cluster.paths))
        if folders is None:
            parts.append((root, "", [file.path for file in side_files]))
    return parts


def _agreed(what: str, roots: list[str]) -> bool:
    """Ask on a terminal. Without one, as in a script, the command line itself is the answer."""
    if any(stream is None or not stream.isatty() for stream in (sys.stdin, sys.stderr)):
        return True
    sys.stderr.write(f"You are about to remove {what} below {', '.join(roots)}\nDo you want to continue? (y/N): ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
