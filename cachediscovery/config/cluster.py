"""`Cluster`: what the configuration says of a cluster, before any request."""

from __future__ import annotations

# client-go: [^(\w/.)], with Go's ASCII \w. The parentheses are inside the class, so they survive.
_SURVIVING = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.()")


class Cluster:
    """A cluster's URL, and how to recognise its documents.

    `trust_fingerprint` is a fingerprint of the trusted CA certificates and of the expected TLS server name; "" without
    either. `shares_url` is true if another cluster of the kubeconfig has the same URL but another fingerprint: kubectl
    mixes the two up. `ca_files` are the files that these were read from, `context` is the kubeconfig's context, and
    `has_proxy` says whether the kubeconfig names a proxy for the cluster.
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
        """The server's URL for comparisons: without user information, and without a slash at the end."""
        return _plain(self.server).rstrip("/")


def cluster_at(server: str | Cluster) -> Cluster:
    """The cluster at a URL. Raises `ConfigError` for a URL whose password cannot be separated from the rest."""
    if not isinstance(server, Cluster):
        from .arguments import text

        server = Cluster(text("server", server))
    if "@" in server.server:
        from .server_url import split_server

        split_server(server.server)
    return server


def address_of(server: str) -> tuple[str, ...]:
    """The names of the nested folders that hold a server's documents: kubectl's names for its URL.

    Two servers may have the same folders (`a-b` and `a_b`), as in kubectl. Unlike in kubectl, no URL leads out of the
    cache, and user information in a URL is not part of a folder's name.
    """
    schemeless = _plain(server).replace("https://", "", 1).replace("http://", "", 1)
    safe = "".join([character if character in _SURVIVING else "_" for character in schemeless])
    # ".." is legal in a URL's path, but would lead out of the cache.
    return tuple(["__" if part == ".." else part for part in safe.split("/") if part not in ("", ".")])


def _plain(server: str) -> str:
    if "@" not in server:
        return server
    from ..model.redact import without_userinfo

    return without_userinfo(server)
