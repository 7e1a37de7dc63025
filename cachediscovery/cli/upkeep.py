"""What the `cache` commands share: the root that they look after, and the clusters below it."""

from __future__ import annotations

import os

from ..config.authority import configured_clusters
from ..disk.inventory import ClusterEntry, clusters_in
from ..disk.layout import cache_root, cluster_folder
from ..disk.trust import distrust_of_folder
from ..errors import ConfigError, DiscoveryError
from .flags import Parsed
from .session import ttl_from


def root_of(parsed: Parsed) -> str:
    """The cache's root. Raises `DiscoveryError` where there is none, or one that is not to be trusted."""
    root = cache_root(parsed.text("cache-dir"))
    if not root:
        raise DiscoveryError("there is no home folder to hold a cache: set KUBECACHEDIR or use --cache-dir")
    reason = distrust_of_folder(root)
    if reason:
        raise DiscoveryError(f"the discovery cache is not used: {reason}")
    return root


def clusters_of(parsed: Parsed) -> list[ClusterEntry]:
    return clusters_in(root_of(parsed), ttl_from(parsed))


def known_folders(root: str, kubeconfig: str) -> set[str] | None:
    """The folders of all clusters of the kubeconfig; None where that cannot be told."""
    from ..config.kubeconfig import load_kubeconfig

    try:
        loaded = load_kubeconfig(kubeconfig)
    except ConfigError:
        return None
    folders = set()
    for cluster in configured_clusters(loaded):
        if cluster.server:
            folders.add(os.path.normpath(cluster_folder(root, cluster)))
            # Also that of its own which it has beside another one with the same URL.
            cluster.shares_url = True
            folders.add(os.path.normpath(cluster_folder(root, cluster)))
    return folders or None


def format_size(size: int) -> str:
    """A size for people: `312 B`, `4.2 KiB`, `1.5 MiB`."""
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.1f} KiB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MiB"
