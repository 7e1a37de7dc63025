"""The URLs of the OpenAPI index, treated as client-go's `openapi` client treats them.

A URL in the index is relative to the server's host. If the server's URL has a path (a proxy's prefix, a workspace of
kcp), the index may have it or not: it is taken off, and put before the URLs under `/openapi/v3`. All other URLs are
used on the host as they are. No URL leads to another host.
"""

from __future__ import annotations

from ..disk.response_file import OPENAPI

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# What is sent as it is, by Go as well.
_PLAIN = frozenset(_LETTERS + "-_.~")
_PLAIN_IN_PATH = _PLAIN | frozenset("/:@$&+,;=")


def server_relative_url(server: str, url: str) -> str:
    """The form of a URL of the index that is used, without the path of `server`; "" if it leads to another host."""
    if not url.startswith("/") or url.startswith("//"):
        return ""
    path, _, query = url.partition("#")[0].partition("?")
    name, _, value = query.partition("=")
    if not (_PLAIN_IN_PATH.issuperset(path) and _PLAIN.issuperset(name + value)) or "//" in path or "/." in path:
        path, query = _encoded(path, query)
    base = _split(server)[1]
    below = path[len(base) :] if path.startswith(base) else ""
    return (below if _is_openapi(below) else path) + (f"?{query}" if query else "")


def request_url(server: str, relative: str) -> str:
    """The URL to ask for, for one that `server_relative_url` returned."""
    return (server.rstrip("/") if _is_openapi(relative.partition("?")[0]) else _split(server)[0]) + relative


def found_at(server: str, url: str) -> str:
    """The server-relative URL of an absolute `url` on the host of `server`, to which a redirect has led."""
    return server_relative_url(server, url[len(_split(url)[0]) :])


def hash_of(relative: str) -> str:
    """The parameter `hash` of a URL; "" if there is none."""
    for pair in relative.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if name == "hash":
            return value
    return ""


def _is_openapi(path: str) -> bool:
    return path == OPENAPI or path.startswith(f"{OPENAPI}/")


def _split(url: str) -> tuple[str, str]:
    """The origin and the path of a URL; the path has no slash at its end."""
    scheme, separator, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host}", f"{slash}{path}".partition("?")[0].rstrip("/")


def _encoded(path: str, query: str) -> tuple[str, str]:
    """Path and query as Go's `path.Join` and `url.Values.Encode` make them, so that kubectl's file has the name."""
    from posixpath import normpath
    from urllib.parse import parse_qsl, quote, unquote, urlencode

    decoded = unquote(path)
    cleaned = "/" + normpath(decoded).lstrip("/") + ("/" if decoded.endswith("/") and decoded.strip("/") else "")
    kept = "&".join(part for part in query.split("&") if ";" not in part)
    pairs = sorted(parse_qsl(kept, keep_blank_values=True), key=lambda pair: pair[0])
    return quote(cleaned, safe="/:@$&+,;=~"), urlencode(pairs)
