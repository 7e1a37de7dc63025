"""The package's logger, `cachediscovery`. It does not import `logging` unless someone listens.

- DEBUG: each document (`cache hit: …`, `cache miss: …`), and files and locks that could not be used.
- INFO: each request (`GET … 200 in 12 ms, 3456 bytes`), retries, redirects, that another cluster answered.
- WARNING: what the user should know: expired documents are used, the cache cannot be written, names were left out.

No message has a secret. The README has the same list.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from typing import Protocol

    class _Response(Protocol):
        @property
        def status(self) -> int: ...

        @property
        def body(self) -> bytes: ...


LOGGER = "cachediscovery"
_warn_with: Callable[[str], None] | None = None


def on_warning(handler: Callable[[str], None] | None) -> None:
    """Send warnings to `handler`, as the command line does. None sends them to the logger again."""
    global _warn_with
    _warn_with = handler


def debug(message: str, *arguments: object) -> None:
    # A program that wants these lines has set up a handler, and so imported logging.
    if "logging" in sys.modules:
        _logger().debug(message, *arguments, stacklevel=2)


def info(message: str, *arguments: object) -> None:
    if "logging" in sys.modules:
        _logger().info(message, *arguments, stacklevel=2)


def hit(documents: int, place: str, of: str = "") -> None:
    """Log that `documents` documents came from the file or folder `place` of the cache."""
    if "logging" in sys.modules:
        _logger().debug(f"cache hit: {of}%s", place, extra={"documents": documents, "place": place}, stacklevel=2)


def request(url: str, response: _Response | None, started: float) -> None:
    """Log a request that began at `started` (on the monotonic clock), and its response, if there was one."""
    if "logging" in sys.modules:
        import time
        from http.client import responses

        seconds = time.monotonic() - started
        fields = {"url": url, "seconds": seconds, "status": response.status if response is not None else 0}
        if response is None:
            _logger().info("GET %s failed after %d ms", url, seconds * 1000, extra=fields, stacklevel=2)
            return
        fields["reason"] = responses.get(response.status, "")
        _logger().info(
            "GET %s %d in %d ms, %d bytes", url, response.status, seconds * 1000, len(response.body),
            extra=fields, stacklevel=2,
        )  # fmt: skip


def warning(message: str, *arguments: object) -> None:
    """Log a warning. Unlike the others, it appears on standard error even if logging is not set up."""
    if _warn_with is not None:
        _warn_with(message % arguments)
        return
    _logger().warning(message, *arguments)


def _logger() -> logging.Logger:
    import logging

    return logging.getLogger(LOGGER)
