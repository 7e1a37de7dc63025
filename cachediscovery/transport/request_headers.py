"""The request headers, shared by `ServerConnections` and `ServerSession`."""

from __future__ import annotations

from ..version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..config.client_config import ClientConfig
    from .credentials import Identity

USER_AGENT = f"cachediscovery/{VERSION}"


def request_headers(
    headers: Mapping[str, str], config: ClientConfig, identity: Identity | None
) -> list[tuple[str, str]]:
    """Return all header lines in order; several may share a name. Without `identity` there are no credentials."""
    lines = [
        ("User-Agent", USER_AGENT),
        ("Accept-Encoding", "identity" if config.disable_compression else "gzip"),
        *headers.items(),
    ]
    if identity is not None:
        if identity.authorization:
            lines.append(("Authorization", identity.authorization))
        if config.impersonation.user:
            from .impersonation import impersonation_headers

            lines += impersonation_headers(config.impersonation)
    return lines


def host_and_target(url: str) -> tuple[str, str]:
    """What a request for `url` says in its `Host` header, and in its first line."""
    from urllib.parse import quote, urlsplit

    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if not host.isascii():
        host = host.encode("idna").decode()
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    # As `requests` does: what is escaped already stays as it is.
    return host, quote(target, safe="!#$%&'()*+,/:;=?@[]~")
