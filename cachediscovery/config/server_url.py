"""Parses the URLs of servers and proxies as users write them, or refuses them. No message shows a password.

| | kubectl | here |
|---|---|---|
| `https://jane:secret@host` | basic authentication | the same; the server's URL is the rest |
| an `@` after the host, `https://host/a@b` | a part of the path | refused: `host/a` may be a password |
"""

from __future__ import annotations

from ..model.errors import ConfigError
from ..model.redact import one_line, without_userinfo

_SCHEMES = ("http", "https")
_PROXY_SCHEMES = (*_SCHEMES, "socks5", "socks5h", "socks4", "socks4a")
# RFC 1035, 2.3.4, in bytes.
_MAX_LABEL = 63


def split_server(server: str) -> tuple[str, str, str]:
    """Split a URL into (URL without user information, query and fragment; user; password). Raises `ConfigError`."""
    return _split(server, "server", _SCHEMES, "an http or https URL: check the cluster's 'server'")


def check_proxy(proxy: str, where: str) -> None:
    """Raise `ConfigError` if a proxy's URL, found `where`, cannot be used, or its password cannot be kept secret."""
    _split(proxy, "proxy", _PROXY_SCHEMES, f"a URL of a proxy: check {where}")


def _split(url: str, what: str, schemes: tuple[str, ...], expected: str) -> tuple[str, str, str]:
    has_scheme = "://" in url
    # A scheme without slashes would be read as the user.
    is_ambiguous = not has_scheme and "@" in url and url.lower().startswith(("http:", "https:"))
    url = url if has_scheme else f"http://{url}"
    shown = without_userinfo(url)
    scheme, _, rest = url.partition("://")
    authority = rest[: min(rest.find(end) % (len(rest) + 1) for end in "/?#\\")]
    behind = rest[len(authority) :]
    if is_ambiguous or "@" in behind:
        raise ConfigError(
            f"{what} {shown!r} cannot be separated from its user name and password: "
            "write %40 for @, %2F for /, %3F for ? and %23 for # in them, and %40 for @ in its path"
        )
    user_info, _, host = authority.rpartition("@")
    from urllib.parse import unquote, urlsplit

    try:
        # Parse without user information: the error quotes a part of the URL.
        parts = urlsplit(f"{scheme}://{host}{behind}")
        _ = parts.port
        _check_host(parts.hostname or "")
    except ValueError as error:
        # Not chained: the cause may quote a password that was not recognized as one.
        raise ConfigError(f"{what} {shown!r} is not a URL: {one_line(error)}") from None
    strange = not url.isprintable() or " " in host + behind or "\\" in behind
    if parts.scheme not in schemes or not parts.hostname or strange:
        raise ConfigError(f"{what} {shown!r} is not {expected}")
    user, _, password = user_info.partition(":")
    # The scheme in lower case, as in Go, because it decides whether TLS is used.
    plain = f"{parts.scheme}://{host}{behind.partition('#')[0].partition('?')[0]}"
    return plain, unquote(user), unquote(password)


def _check_host(host: str) -> None:
    """Raise `ValueError` if no name in the DNS can be `host`."""
    if not host.isascii():
        # It checks the labels too. For other hosts Python need not import it.
        host.encode("idna")
    elif host and not all(0 < len(label) <= _MAX_LABEL for label in host.removesuffix(".").split(".")):
        raise ValueError("a label of the host is empty or too long")
