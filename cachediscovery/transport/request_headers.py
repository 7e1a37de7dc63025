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
