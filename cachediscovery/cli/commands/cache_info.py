"""`cache info`: prints what the cache holds for each cluster."""

from __future__ import annotations

import json
import os

from ...cache.inventory import BROKEN, EXPIRED, FRESH, ClusterEntry, SideFile, clusters_in, side_files_in
from ...config.durations import format_age
from ...model.errors import DiscoveryError
from ...model.records import NamedTuple
from ...model.redact import printable
from ..flags import Parsed, UsageError
from ..output import count_of, format_table, write
from ..session import ttl_from
from ..shared_records import SharedInfo, shared_info
from ..upkeep import contexts_by_folder, format_size, report, roots_of

_HEADERS = ("CLUSTER", "DOCUMENTS", "FRESH", "EXPIRED", "BROKEN", "SIZE", "OLDEST", "SERVER", "CONTEXTS")


class _Cluster(NamedTuple):
    """A cluster's folder, the server's URL ("" if unknown), and the contexts that use the folder."""

    entry: ClusterEntry
    server: str
    contexts: list[str]


def run(parsed: Parsed) -> int:
    """Run the command and return its exit code."""
    output = parsed.text("output")
    if output not in ("", "json"):
        raise UsageError(f"--output must be json, not {output!r}")
    roots, problems = roots_of(parsed)
    found = {}
    for root in roots:
        clusters = _clusters(root, parsed)
        found[root] = clusters, side_files_in(root, [cluster.entry for cluster in clusters])
    try:
        shared = shared_info(parsed)
    except DiscoveryError as error:
        shared = None
        problems.append(str(error))
    if output == "json":
        clusters = [cluster for clusters, _ in found.values() for cluster in clusters]
        beside = [file for _, files in found.values() for file in files]
        stored = {"count": len(beside), "size": sum(file.size for file in beside)}
        document: dict[str, object] = {
            "root": roots[0] if roots else "",
            "roots": roots,
            "clusters": list(map(_object, clusters)),
            "otherFiles": stored,
        }
        if shared is not None:
            held = [
                {"server": server, "records": [record._asdict() for record in records]}
                for server, records in shared.clusters
            ]
            document["shared"] = {"place": shared.place, "clusters": held}
        write(json.dumps(document, indent=2) + "\n")
        return report(problems)
    # The platform's root is shown only if it holds something.
    told = [root for root in roots if root == roots[0] or any(found[root])]
    texts = [_text(root, *found[root]) for root in told]
    write("\n".join([*texts, *([_shared_text(shared)] if shared is not None else [])]))
    return report(problems)


def _clusters(root: str, parsed: Parsed) -> list[_Cluster]:
    by_folder = contexts_by_folder(root, parsed.text("kubeconfig"))
    found = []
    for entry in clusters_in(root, ttl_from(parsed)):
        users = [
            (name, cluster.url)
            for name, cluster in by_folder.get(os.path.normpath(entry.folder), ())
            if entry.record.is_of(cluster.url, cluster.trust_fingerprint)
        ]
        # Documents that only kubectl has written have no record.
        server = entry.record.server or next((url for _, url in users), "")
        found.append(_Cluster(entry, server, [name for name, _ in users]))
    return found


def _object(found: _Cluster) -> dict[str, object]:
    cluster = found.entry
    documents = [
        {"name": item.key or "groups", "size": item.size, "age": round(item.age, 1), "state": item.state}
        for item in cluster.documents
    ]
    return {
        "cluster": cluster.host,
        "folder": cluster.folder,
        "server": found.server,
        "contexts": found.contexts,
        "documents": documents,
    }


def _text(root: str, clusters: list[_Cluster], beside: list[SideFile]) -> str:
    rows: list[tuple[str, ...]] = [_HEADERS]
    for cluster, server, contexts in clusters:
        counts = [str(cluster.count(state)) for state in (FRESH, EXPIRED, BROKEN)]
        oldest = max((document.age for document in cluster.documents), default=0.0)
        size = format_size(cluster.size)
        age = format_age(max(0.0, oldest))
        used = server or "<unknown>", ", ".join(contexts) or "<none>"
        rows.append((printable(cluster.host), str(len(cluster.documents)), *counts, size, age, *map(printable, used)))
    text = f"{root}\n\n{format_table(rows)}" if clusters else f"{root} holds no cluster\n"
    if beside:
        text += (
            f"\nand {count_of(len(beside), 'file')} of all clusters: {format_size(sum(file.size for file in beside))}\n"
        )
    return text


def _shared_text(shared: SharedInfo) -> str:
    rows: list[tuple[str, ...]] = [("SERVER", "RECORDS", "VOID", "SIZE", "OLDEST")]
    for server, records in shared.clusters:
        size, void = sum(record.size for record in records), sum(not record.usable for record in records)
        oldest = max((record.age for record in records), default=0.0)
        rows.append((printable(server), str(len(records)), str(void), format_size(size), format_age(max(0.0, oldest))))
    if not shared.clusters:
        return f"{shared.place} holds nothing of the clusters in the kubeconfig\n"
    return f"{shared.place}\n\n{format_table(rows)}"
