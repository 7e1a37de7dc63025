"""Where a redirect leads, and whether the API server's credentials may go there (RFC 9110, 15.4)."""

from __future__ import annotations

from ..model.redact import without_userinfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.errors import RequestError

REDIRECTS = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 5


def redirected(url: str, location: str) -> str:
    """Where a `Location` header of `url` leads; "" if that is no http or https URL."""
    from urllib.parse import urljoin, urlsplit

    try:
        begun = urlsplit(location)
        if (begun.scheme and not begun.netloc) or not location.isprintable():
            # urljoin would read "http:///" as a path of this server, and drop some control characters.
            return ""
        found = urljoin(url, location)
        parts = urlsplit(found)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        # A port that is no number, or a bracket.
        return ""
    return found if is_usable else ""


def told_of_redirect(error: RequestError, asked: str, url: str) -> RequestError:
    """`error`, which names `url` alone, with the URL that redirected there."""
    if url != asked:
        error.args = (f"{without_userinfo(asked)} redirects: {error}",)
    return error


def same_origin(one: str, other: str) -> bool:
    """Whether two URLs have the same scheme, host and port."""
    from urllib.parse import urlsplit

    def origin(url: str) -> tuple[str, str | None, int | None]:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)

    return origin(one) == origin(other)
