"""`cache info`: what the cache holds, cluster by cluster."""

from __future__ import annotations

import json

from ..disk.inventory import BROKEN, EXPIRED, FRESH
from ..durations import format_age
from ..lines import printable
from .flags import Parsed, UsageError
from .stdout import write
from .table import format_table
from .upkeep import clusters_of, format_size, root_of

_HEADERS = ("CLUSTER", "DOCUMENTS", "FRESH", "EXPIRED", "BROKEN", "SIZE", "OLDEST")


def run(parsed: Parsed) -> int:
    output = parsed.text("output")
    if output not in ("", "json"):
        raise UsageError(f"--output must be json, not {output!r}")
    clusters = clusters_of(parsed)
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
        write(json.dumps({"root": root_of(parsed), "clusters": objects}, indent=2) + "\n")
        return 0
    rows: list[tuple[str, ...]] = [_HEADERS]
    for cluster in clusters:
        counts = [str(cluster.count(state)) for state in (FRESH, EXPIRED, BROKEN)]
        oldest = max((document.age for document in cluster.documents), default=0.0)
        size = format_size(cluster.size)
        rows.append((printable(cluster.host), str(len(cluster.documents)), *counts, size, format_age(max(0.0, oldest))))
    write(f"{root_of(parsed)}\n\n{format_table(rows)}" if clusters else f"{root_of(parsed)} holds no cluster\n")
    return 0
