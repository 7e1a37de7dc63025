"""The package's logger, `cachediscovery`. It does not import `logging` unless someone listens.

Hits and misses are DEBUG, requests INFO, what the user should know WARNING.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

LOGGER = "cachediscovery"
_warn_with: Callable[[str], None] | None = None


def on_warning(handler: Callable[[str], None] | None) -> None:
    """Send warnings to `handler`, as the command line does. None sends them to the logger again."""
    global _warn_with
    _warn_with = handler


def debug(message: str, *arguments: object) -> None:
    # A program that wants these lines has set up a handler, and so imported logging.
    if "logging" in sys.modules:
        _logger().debug(message, *arguments)


def info(message: str, *arguments: object) -> None:
    if "logging" in sys.modules:
        _logger().info(message, *arguments)


def warning(message: str, *arguments: object) -> None:
    """Log a warning. Unlike the others, it appears on standard error even if logging is not set up."""
    if _warn_with is not None:
        _warn_with(message % arguments)
        return
    _logger().warning(message, *arguments)


def _logger() -> logging.Logger:
    import logging

    return logging.getLogger(LOGGER)
