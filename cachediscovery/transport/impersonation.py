"""Impersonation: the `Impersonate-*` headers (client-go's `transport` package)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..config.client_config import Impersonation

# The characters of an RFC 9110 token except "%", which client-go escapes too.
_KEY_SAFE = "!#$&'*+-.^_`|~"


def impersonation_headers(impersonation: Impersonation) -> list[tuple[str, str]]:
    """Return the header lines in kubectl's order, one for each group and each extra value."""
    if not impersonation.user:
        return []
    from urllib.parse import quote

    lines = [("Impersonate-User", impersonation.user)]
    if impersonation.uid:
        lines.append(("Impersonate-Uid", impersonation.uid))
    lines += [("Impersonate-Group", group) for group in impersonation.groups]
    lines += [(f"Impersonate-Extra-{quote(key.lower(), safe=_KEY_SAFE)}", value) for key, value in impersonation.extra]
    return lines
