"""Text from elsewhere, made safe to show: one line, no control characters, no credentials, of bounded length."""

from __future__ import annotations


def one_line(text: object, limit: int = 400) -> str:
    """`text` on one line, without control characters, cut after `limit` characters."""
    cleaned = " ".join(printable(str(text)).split())
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def printable(text: str) -> str:
    """`text` with each character that could steer a terminal replaced by a space."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def without_userinfo(url: str) -> str:
    """`url` without the `user:password@` it may carry."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"
