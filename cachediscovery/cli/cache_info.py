"""`cache info`: what the cache holds, cluster by cluster."""

from __future__ import annotations

import json

from ..disk.inventory import BROKEN, EXPIRED, FRESH, side_files_in
from ..durations import format_age
from ..lines import printable
from .flags import Parsed, UsageError
from .output import format_table, write
from .upkeep import clusters_of, format_size, root_of

_HEADERS = ("CLUSTER", "DOCUMENTS", "FRESH", "EXPIRED", "BROKEN", "SIZE", "OLDEST")


def run(parsed: Parsed) -> int:
    output = parsed.text("output")
    if output not in ("", "json"):
        raise UsageError(f"--output must be json, not {output!r}")
    clusters, root = clusters_of(parsed), root_of(parsed)
    beside = side_files_in(root)
    if output == "json":
        objects = [
            {
                "cluster": cluster.host,
                "folder": cluster.folder,
                "documents": [
                    {"name": item.key or "groups", "size": item.size, "age": round(item.age, 1), "state": item.state}
                    for item in cluster.documents
                ],
            }
            for cluster in clusters
        ]
        stored = {"count": len(beside), "size": sum(file.size for file in beside)}
        write(json.dumps({"root": root, "clusters": objects, "otherFiles": stored}, indent=2) + "\n")
        return 0
    rows: list[tuple[str, ...]] = [_HEADERS]
    for cluster in clusters:
        counts = [str(cluster.count(state)) for state in (FRESH, EXPIRED, BROKEN)]
        oldest = max((document.age for document in cluster.documents), default=0.0)
        size = format_size(cluster.size)
        rows.append((printable(cluster.host), str(len(cluster.documents)), *counts, size, format_age(max(0.0, oldest))))
    write(f"{root}\n\n{format_table(rows)}" if clusters else f"{root} holds no cluster\n")
    if beside:
        files = "1 file" if len(beside) == 1 else f"{len(beside)} files"
        write(f"\nand {files} of all clusters: {format_size(sum(file.size for file in beside))}\n")
    return 0
