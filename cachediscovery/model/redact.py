"""Text from elsewhere, made safe to show: one line, no control characters, no credentials, of bounded length."""

from __future__ import annotations

_SCHEMES = ("https", "http", "socks5h", "socks5", "socks4a", "socks4")


def one_line(text: object, limit: int = 400) -> str:
    """`text` on one line, without control characters, cut after `limit` characters."""
    cleaned = " ".join(printable(str(text)).split())
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"


def printable(text: str) -> str:
    """`text` with each character that could steer a terminal replaced by a space."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def without_userinfo(text: str) -> str:
    """`text`, a URL or with a URL in it, without the `user:password@` that it may carry.

    A password may have a slash in it, or anything else: from the slashes behind the scheme all goes up to the last "@".
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
