"""The cache's location and TTL: kubectl's folders, kubectl's TTL (cli-runtime's `ToDiscoveryClient`)."""

from __future__ import annotations

import os
import sys

from ..config.cluster import address_of
from ..config.locations import home_dir
from .trust import distrust_of_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..config.arguments import PathArgument
    from ..config.cluster import Cluster

GROUPS_FILE = "servergroups.json"
RESOURCES_FILE = "serverresources.json"
# The name of a document until it is complete. In the cluster's folder, so that leftovers are found at once.
TEMPORARY = ".cachediscovery.new"
# The variables that set the cache's options, by option. Arguments and flags come first.
VARIABLES = {
    "ttl": "CACHEDISCOVERY_TTL",
    "recheck_interval": "CACHEDISCOVERY_RECHECK_INTERVAL",
    "stale_if_error": "CACHEDISCOVERY_STALE_IF_ERROR",
    "stale_while_revalidate": "CACHEDISCOVERY_STALE_WHILE_REVALIDATE",
    "shared_cache": "CACHEDISCOVERY_SHARED_CACHE",
}
# The defaults of the cache, in seconds.
DEFAULT_TTL = 6 * 60 * 60.0
RECHECK_INTERVAL = 1.0
# Bytes: the longest file name, and the longest path less that of a document below a cluster's folder.
_MAX_NAME = 255
_MAX_PATH = (1024 if sys.platform == "darwin" else 4096) - 400


def cache_root(explicit: PathArgument = "", environ: Mapping[str, str] | None = None) -> str:
    """The cache's root: `explicit` (`--cache-dir`), else `$KUBECACHEDIR`, else `~/.kube/cache`; "" without a home."""
    environ = os.environ if environ is None else environ
    if not isinstance(explicit, str):
        from ..config.arguments import path

        explicit = path("cache_dir", explicit)
    root = os.path.expanduser(explicit) or environ.get("KUBECACHEDIR", "")
    if root:
        return root
    home = home_dir(environ)
    return os.path.join(home, ".kube", "cache") if home else ""


def platform_cache_root() -> str:
    """The platform's cache folder for this package, used if `cache_root` cannot be."""
    import platformdirs

    return platformdirs.user_cache_dir("cachediscovery", appauthor=False)


def cluster_folder(root: str, cluster: Cluster) -> str:
    """The folder of a cluster below `root`: kubectl's, except for clusters that kubectl would mix up.

    kubectl's names contain no dash, so a suffix after a dash is ours.
    """
    folder = os.path.join(root, "discovery", *address_of(cluster.server))
    return f"{folder}-{cluster.trust_fingerprint}" if cluster.shares_url else folder


def place_of(
    cluster: Cluster, cache_dir: PathArgument = "", environ: Mapping[str, str] | None = None
) -> tuple[str, str] | None:
    """The cache's root, and the folder below it that `open_store` would use for `cluster`; None if there is none."""
    root = cache_root(cache_dir, environ)
    if root:
        folder = cluster_folder(root, cluster)
        if _is_possible(root, folder) and (
            _can_write(folder) or (_can_read(folder) and not is_superseded(root, folder))
        ):
            return root, folder
    fallback = platform_cache_root()
    folder = cluster_folder(fallback, cluster)
    if not is_usable(fallback, folder):
        return None
    from .. import _log as log

    log.info("%s cannot be used for the discovery cache, using %s", root or "the home folder", fallback)
    return fallback, folder


def platform_folder(root: str, folder: str) -> tuple[str, str]:
    """The platform's cache folder, and the folder below it that replaces the cluster's `folder`."""
    fallback = platform_cache_root()
    return fallback, os.path.join(fallback, os.path.relpath(folder, root))


def is_superseded(root: str, folder: str) -> bool:
    """Whether the cluster's `folder` cannot be written, and one in the platform's cache folder is used instead.

    Documents that could not be removed from such a folder are then no longer used.
    """
    if not os.path.isdir(folder) or os.access(folder, os.W_OK | os.X_OK):
        return False
    fallback, successor = platform_folder(root, folder)
    return successor != folder and os.path.isdir(successor) and is_usable(fallback, successor)


def supersede(root: str, folder: str) -> None:
    """Make `is_superseded` true for a cluster's `folder` that cannot be written, if the platform's is usable."""
    fallback, successor = platform_folder(root, folder)
    if os.access(folder, os.W_OK) or not is_usable(fallback, successor):
        return
    from .files import make_folder

    try:
        make_folder(successor, fallback)
    except (OSError, ValueError) as error:
        from .. import _log as log

        log.debug("cannot make %s: %s", successor, error)


def is_usable(root: str, folder: str) -> bool:
    """Whether a cluster's `folder` is trusted, and can be written or read."""
    return _is_possible(root, folder) and (_can_write(folder) or _can_read(folder))


def _is_possible(root: str, folder: str) -> bool:
    """Whether a cluster's folder is trusted, and its path not too long."""
    path = os.fsencode(folder)
    is_too_long = len(path) > _MAX_PATH or any(len(part) > _MAX_NAME for part in path.split(os.fsencode(os.sep)))
    return not is_too_long and not distrust_of_path(root, folder)


def _can_read(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK)


def _can_write(folder: str) -> bool:
    """Whether `folder`, or its nearest existing parent, can be written."""
    while folder and not os.path.lexists(folder):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return os.path.isdir(folder or ".") and os.access(folder or ".", os.W_OK | os.X_OK)


def is_url(key: str) -> bool:
    """Whether the key of a document (`DocumentStore`) is the URL of a response."""
    return "://" in key
