"""Where the cache is, and for how long: kubectl's folders, kubectl's age (cli-runtime's `ToDiscoveryClient`)."""

from __future__ import annotations

import os

from ..config.locations import home_dir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# In seconds.
DEFAULT_TTL = 6 * 60 * 60.0
# client-go: [^(\w/.)], with Go's ASCII \w. The parentheses are inside the class, so they survive.
_SURVIVING = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.()")


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


def cluster_folder(root: str, server: str) -> str:
    """The folder of the cluster at `server` (a URL), below `root`.

    Two servers may share a folder (`a-b` and `a_b`): as in kubectl. Unlike in kubectl, no URL leads out
    of `root`, and user information in a URL does not become a folder's name.
    """
    if "@" in server:
        from ..lines import without_userinfo

        server = without_userinfo(server)
    schemeless = server.replace("https://", "", 1).replace("http://", "", 1)
    safe = "".join(character if character in _SURVIVING else "_" for character in schemeless)
    parts = [part for part in safe.split("/") if part not in ("", ".")]
    # ".." is as legal in a URL's path as it is dangerous in a folder's.
    parts = ["__" if part == ".." else part for part in parts]
    return os.path.join(root, "discovery", *parts)
