"""Where the cache is, and for how long: kubectl's folders, kubectl's age (cli-runtime's `ToDiscoveryClient`)."""

from __future__ import annotations

import os

from ..config.cluster import address_of
from ..config.locations import home_dir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..config.cluster import Cluster

# In seconds.
DEFAULT_TTL = 6 * 60 * 60.0


def cache_root(explicit: str = "", environ: Mapping[str, str] | None = None) -> str:
    """The cache's root: `explicit` (`--cache-dir`), else `$KUBECACHEDIR`, else `~/.kube/cache`; "" without a home."""
    environ = os.environ if environ is None else environ
    root = explicit or environ.get("KUBECACHEDIR", "")
    if root:
        return root
    home = home_dir(environ)
    return os.path.join(home, ".kube", "cache") if home else ""


def platform_cache_root() -> str:
    """The platform's own cache folder for this package, used where `cache_root` cannot be."""
    import platformdirs

    return platformdirs.user_cache_dir("cachediscovery", appauthor=False)


def cluster_folder(root: str, cluster: Cluster) -> str:
    """The folder of a cluster below `root`: kubectl's, but for clusters that kubectl would mix up.

    No name that kubectl makes has a dash in it: what is behind one is ours.
    """
    folder = os.path.join(root, "discovery", *address_of(cluster.server))
    return f"{folder}-{cluster.authority}" if cluster.shares_url else folder


def place_of(cluster: Cluster, cache_dir: str = "", environ: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """The cache's root, and the folder below it that `open_store` would use for `cluster`; None for no place."""
    root = cache_root(cache_dir, environ)
    if root:
        folder = cluster_folder(root, cluster)
        if _can_write(folder) or os.path.isdir(folder):
            return root, folder
    fallback = platform_cache_root()
    if not _can_write(fallback):
        return None
    from .. import log

    log.info("%s cannot be used for the discovery cache, using %s", root or "the home folder", fallback)
    return fallback, cluster_folder(fallback, cluster)


def _can_write(folder: str) -> bool:
    """Whether `folder`, or what is there of the path to it, can be written."""
    while folder and not os.path.lexists(folder):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return os.path.isdir(folder or ".") and os.access(folder or ".", os.W_OK | os.X_OK)
