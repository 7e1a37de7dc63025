"""Shared by the `cache` commands: the roots to maintain, and messages for files that could not be removed."""

from __future__ import annotations

import os

from ..config.trust_fingerprint import configured_clusters, shares_url
from ..disk.layout import cache_root, cluster_folder, platform_cache_root, platform_folder
from ..disk.trust import distrust_of_path
from ..model.errors import ConfigError, DiscoveryError
from .flags import Parsed, UsageError
from .output import fail, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..config.cluster import Cluster
    from ..disk.document_store import DocumentStore


def roots_of(parsed: Parsed) -> tuple[list[str], list[str]]:
    """Return the cache root and the platform's root if it exists, and messages for roots that are not trusted.

    Raises `DiscoveryError` if there is no root.
    """
    root, fallback = cache_root(parsed.text("cache-dir")), platform_cache_root()
    roots = [path for path in (root, fallback) if path and (path == root or os.path.isdir(path))]
    if not roots:
        raise DiscoveryError("there is no home folder to hold a cache: set KUBECACHEDIR or use --cache-dir")
    reasons = {path: distrust_of_path(path, path) for path in dict.fromkeys(roots)}
    problems = [f"{reason}: the files there are left alone" for reason in reasons.values() if reason]
    return [path for path, reason in reasons.items() if not reason], problems


def report(problems: list[str]) -> int:
    """Print the problems as errors. Return the exit code."""
    for problem in problems:
        fail(problem)
    return 1 if problems else 0


def kept_in_words(kept: Mapping[str, str], cluster: DocumentStore | None = None) -> str:
    """Return the message for files that could not be removed, each with its reason.

    If they are in the folder of `cluster`, supersede it, so that this folder is no longer used.
    """
    path, reason = next(iter(kept.items()))
    files = path if len(kept) == 1 else f"{len(kept)} files, {path} among them,"
    words = f"{files} cannot be removed ({reason})"
    if cluster is None:
        return words
    if cluster.supersede():
        _, successor = platform_folder(cluster.root, cluster.folder)
        # A client that can write to the first folder does not look for the second one.
        until = "until they can be removed: then run this again"
        return f"{words}: kubectl goes on using them, cachediscovery uses {successor} {until}"
    return f"{words}: {'they are used as before' if any(map(cluster.may_use, kept)) else 'kubectl still uses them'}"


def known_folders(root: str, kubeconfig: str) -> set[str] | None:
    """The folders of all clusters of the kubeconfig; None if it cannot be read or has none."""
    from ..config.kubeconfig import load_kubeconfig

    try:
        loaded = load_kubeconfig(kubeconfig)
    except ConfigError:
        return None
    folders = set()
    for cluster in configured_clusters(loaded).values():
        if cluster.server:
            folders.add(os.path.normpath(cluster_folder(root, cluster)))
            # The cluster's own folder, in case another cluster has the same URL.
            cluster.shares_url = True
            folders.add(os.path.normpath(cluster_folder(root, cluster)))
    return folders or None


def contexts_by_folder(root: str, kubeconfig: str) -> dict[str, list[tuple[str, Cluster]]]:
    """The contexts of the kubeconfig by the folder of their cluster below `root`; none if it cannot be read."""
    from ..config.kubeconfig import load_kubeconfig

    try:
        loaded = load_kubeconfig(kubeconfig)
    except ConfigError as error:
        warn(f"no contexts are shown: {error}")
        return {}
    clusters = configured_clusters(loaded)
    found: dict[str, list[tuple[str, Cluster]]] = {}
    for name, context in loaded.contexts.items():
        cluster = clusters.get(str(context.get("cluster")))
        if cluster is not None and cluster.server:
            cluster.shares_url = shares_url(cluster, clusters.values())
            found.setdefault(os.path.normpath(cluster_folder(root, cluster)), []).append((name, cluster))
    return found


def contexts_given(parsed: Parsed) -> list[str]:
    """The contexts that a command is given, as arguments or by `--context`, each once. Raises `UsageError`."""
    if parsed.arguments and parsed.given("context"):
        raise UsageError("--context has no effect with contexts as arguments")
    return list(dict.fromkeys(parsed.arguments or parsed.texts("context")[-1:]))


def count_of(number: int, noun: str) -> str:
    """A number with its noun in the singular or the plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_size(size: int) -> str:
    """Format a size for people: `312 B`, `4.2 KiB`, `1.5 MiB`."""
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"
