"""`open_store`: the first place that can hold a cluster's documents."""

from __future__ import annotations

import os

from .. import log
from ..config.cluster import Cluster
from .folders import cache_root, cluster_folder, platform_cache_root
from .store import DocumentStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def open_store(
    server: str | Cluster, cache_dir: str = "", environ: Mapping[str, str] = os.environ
) -> DocumentStore | None:
    """The store of a cluster, or of its URL: under kubectl's root, else under the platform's cache folder.

    Without a `Cluster`, two clusters behind one URL cannot be told apart before the server is asked.
    `cache_dir` is an explicit root. A root that cannot be written but holds the cluster's documents is
    used as it is. None, with a warning, where there is no place at all: the cache is then in memory.
    """
    cluster = Cluster(server) if isinstance(server, str) else server
    root = cache_root(cache_dir, environ)
    if root:
        folder = cluster_folder(root, cluster)
        if _can_write(folder) or os.path.isdir(folder):
            return DocumentStore(root, folder, cluster.authority)
    fallback = platform_cache_root()
    if _can_write(fallback):
        log.info("%s cannot be used for the discovery cache, using %s", root or "the home folder", fallback)
        return DocumentStore(fallback, cluster_folder(fallback, cluster), cluster.authority)
    log.warning("neither %s nor %s can hold the discovery cache: going on without", root or "a home folder", fallback)
    return None


def _can_write(folder: str) -> bool:
    """Whether `folder`, or what is there of the path to it, can be written."""
    while folder and not os.path.lexists(folder):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return os.path.isdir(folder or ".") and os.access(folder or ".", os.W_OK | os.X_OK)
