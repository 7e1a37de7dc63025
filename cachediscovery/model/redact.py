"""Makes text from elsewhere safe to show: one line of bounded length, no control characters, no credentials."""

from __future__ import annotations

_SCHEMES = ("https", "http", "socks5h", "socks5", "socks4a", "socks4")


def one_line(text: object, limit: int = 400) -> str:
    """`text` on one line, without control characters, cut to `limit` characters."""
    cleaned = " ".join(printable(str(text)).split())
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def printable(text: str) -> str:
    """Replace each character of `text` that could control a terminal by a space."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def without_userinfo(text: str) -> str:
    """Remove `user:password@` from `text`, which is or contains a URL.

    A password may contain slashes or anything else: everything from the scheme's slashes to the last "@" is removed.
    """
    before, at, after = text.rpartition("@")
    if not at:
        return text
    lowered = before.lower()
    begins = [(found, scheme) for scheme in _SCHEMES if (found := lowered.find(f"{scheme}:/")) >= 0]
    if begins:
        start, scheme = min(begins)
        slashes = start + len(scheme) + 1
    elif before.startswith("/"):
        slashes = 0
    else:
        return after
    kept = len(before) - len(before[slashes:].lstrip("/"))
    return before[:kept] + after
