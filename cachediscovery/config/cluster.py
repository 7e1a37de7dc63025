"""`Cluster`: what the configuration tells of a cluster before it is asked."""

from __future__ import annotations

# client-go: [^(\w/.)], with Go's ASCII \w. The parentheses are inside the class, so they survive.
_SURVIVING = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.()")


class Cluster:
    """Where a cluster is, and whom its documents may come from.

    `trust_fingerprint` is one of the certificates that the configuration trusts, and of the server name that it
    expects in them; "" where it names none. `shares_url` tells that another cluster of the kubeconfig has the
    same URL, but another fingerprint: kubectl mixes the two up. `ca_files` are those that all this was read from,
    `context` is the kubeconfig's, and `has_proxy` tells whether the kubeconfig names a proxy for it.
    """

    __slots__ = ("ca_files", "context", "has_proxy", "server", "shares_url", "trust_fingerprint")

    def __init__(
        self,
        server: str,
        trust_fingerprint: str = "",
        *,
        shares_url: bool = False,
        ca_files: tuple[str, ...] = (),
        context: str = "",
        has_proxy: bool = False,
    ) -> None:
        self.server: str = server
        self.trust_fingerprint: str = trust_fingerprint
        self.shares_url: bool = shares_url
        self.ca_files: tuple[str, ...] = ca_files
        self.context: str = context
        self.has_proxy: bool = has_proxy

    @property
    def url(self) -> str:
        """The server's URL as it is compared with others: without user information, without a slash at the end."""
        return _plain(self.server).rstrip("/")


def address_of(server: str) -> tuple[str, ...]:
    """What kubectl makes of a server's URL: the names of the folders, one in another, that hold its documents.

    Two servers may have the same (`a-b` and `a_b`): as in kubectl. Unlike in kubectl, no URL leads out
    of the cache, and user information in a URL does not become a folder's name.
    """
    schemeless = _plain(server).replace("https://", "", 1).replace("http://", "", 1)
    safe = "".join([character if character in _SURVIVING else "_" for character in schemeless])
    # ".." is as legal in a URL's path as it is dangerous in a folder's.
    return tuple(["__" if part == ".." else part for part in safe.split("/") if part not in ("", ".")])


def _plain(server: str) -> str:
    if "@" not in server:
        return server
    from ..model.redact import without_userinfo

    return without_userinfo(server)
