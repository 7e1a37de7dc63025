"""Where the cache is, and for how long: kubectl's folders, kubectl's age (cli-runtime's `ToDiscoveryClient`)."""

from __future__ import annotations

import os
import sys

from ..config.cluster import address_of
from ..config.locations import home_dir
from .trust import distrust_of_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..config.cluster import Cluster

GROUPS_FILE = "servergroups.json"
RESOURCES_FILE = "serverresources.json"
# What a document is called until it is whole: in the cluster's folder, where those of killed writers are found at once.
TEMPORARY = ".cachediscovery.new"
# In seconds.
DEFAULT_TTL = 6 * 60 * 60.0
# Bytes: what file systems take for a name, and systems for a path, without that of a document below a cluster's folder.
_MAX_NAME = 255
_MAX_PATH = (1024 if sys.platform == "darwin" else 4096) - 400


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
    return f"{folder}-{cluster.trust_fingerprint}" if cluster.shares_url else folder


def place_of(cluster: Cluster, cache_dir: str = "", environ: Mapping[str, str] | None = None) -> tuple[str, str] | None:
    """The cache's root, and the folder below it that `open_store` would use for `cluster`; None for no place."""
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
    """The platform's cache folder, and the folder below it that takes the place of the cluster's `folder`."""
    fallback = platform_cache_root()
    return fallback, os.path.join(fallback, os.path.relpath(folder, root))


def is_superseded(root: str, folder: str) -> bool:
    """Whether the cluster's `folder` cannot be written, and one in the platform's cache folder is used in its place.

    What was to be removed from such a folder, and could not, is not used any more.
    """
    if not os.path.isdir(folder) or os.access(folder, os.W_OK | os.X_OK):
        return False
    fallback, successor = platform_folder(root, folder)
    return successor != folder and os.path.isdir(successor) and is_usable(fallback, successor)


def supersede(root: str, folder: str) -> None:
    """Have `is_superseded` true of a cluster's `folder` that cannot be written, if the platform's can be."""
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
    """Whether a cluster's `folder` is to be trusted, and can be written; or else be read."""
    return _is_possible(root, folder) and (_can_write(folder) or _can_read(folder))


def _is_possible(root: str, folder: str) -> bool:
    """Whether a cluster's folder is to be trusted, and not too long."""
    path = os.fsencode(folder)
    is_too_long = len(path) > _MAX_PATH or any(len(part) > _MAX_NAME for part in path.split(os.fsencode(os.sep)))
    return not is_too_long and not distrust_of_path(root, folder)


def _can_read(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK)


def _can_write(folder: str) -> bool:
    """Whether `folder`, or what is there of the path to it, can be written."""
    while folder and not os.path.lexists(folder):
        parent = os.path.dirname(folder)
        if parent == folder:
            return False
        folder = parent
    return os.path.isdir(folder or ".") and os.access(folder or ".", os.W_OK | os.X_OK)
