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


def cache_root(explicit: str = "", environ: Mapping[str, str] = os.environ) -> str:
    """The cache's root: `explicit` (`--cache-dir`), else `$KUBECACHEDIR`, else `~/.kube/cache`; "" without a home."""
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
