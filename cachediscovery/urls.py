"""Ordinary URLs, split without `urllib.parse`: importing that, with what it imports, takes 6 ms of a start."""

from __future__ import annotations

from .records import NamedTuple

_OF_HOSTS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
_OF_PATHS = _OF_HOSTS | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ_~/")
_MAX_PORT = 65535


class PlainURL(NamedTuple):
    """The parts of a URL, named as by `urllib.parse.urlsplit`; `port` is None where the URL names none."""

    scheme: str
    netloc: str
    hostname: str
    port: int | None
    path: str


def split_plain(url: str) -> PlainURL | None:
    """The parts of an http or https URL; None where it has anything unusual in it, such as a query or an escape."""
    scheme, _, rest = url.partition("://")
    netloc, slash, path = rest.partition("/")
    hostname, colon, port = netloc.partition(":")
    if scheme not in ("http", "https") or not hostname or not _OF_HOSTS.issuperset(hostname):
        return None
    if not _OF_PATHS.issuperset(path) or (colon and not (port.isascii() and port.isdecimal())):
        return None
    if colon and (len(port) > len(str(_MAX_PORT)) or int(port) > _MAX_PORT):
        return None
    return PlainURL(scheme, netloc, hostname, int(port) if colon else None, slash + path)


def hostname_of(url: str) -> str:
    """The host of any URL, "" where it has none. Raises `ValueError` where that cannot be told."""
    plain = split_plain(url)
    if plain is not None:
        return plain.hostname
    from urllib.parse import urlsplit

    return urlsplit(url).hostname or ""
