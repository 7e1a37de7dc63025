"""`cache size`: prints the size of all files of the cache."""

from __future__ import annotations

import json
import os

from ...cache.inventory import clusters_in, side_files_in
from ..flags import Parsed, UsageError
from ..output import write
from ..upkeep import count_of, format_size, report, roots_of


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    output = parsed.text("output")
    if output not in ("", "json"):
        raise UsageError(f"--output must be json, not {output!r}")
    roots, problems = roots_of(parsed)
    found = [(root, *_files_and_bytes(root)) for root in roots]
    if output == "json":
        write(
            json.dumps([{"root": root, "files": files, "bytes": size} for root, files, size in found], indent=2) + "\n"
        )
        return report(problems)
    # The platform's root is shown only if it holds something.
    for root, files, size in found:
        if files or root == roots[0]:
            write(f"{format_size(size)} in {count_of(files, 'file')} below {root}\n")
    return report(problems)


def _files_and_bytes(root: str) -> tuple[int, int]:
    clusters = clusters_in(root, float("inf"))
    paths = [path for cluster in clusters for path in cluster.paths]
    paths += [file.path for file in side_files_in(root, clusters)]
    files = size = 0
    for path in paths:
        try:
            size += os.lstat(path).st_size
        except OSError:
            # Removed meanwhile.
            continue
        files += 1
    return files, size
