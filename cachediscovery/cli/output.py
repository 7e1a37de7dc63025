"""What goes to standard error, and what to do where nobody reads on."""

from __future__ import annotations

import os
import sys

from .. import log
from ..lines import one_line


def warn(message: str) -> None:
    """One line on standard error."""
    _error_line(f"Warning: {one_line(message)}")


def fail(message: str) -> None:
    """What went wrong, in one line on standard error, as kubectl says it."""
    # All failed group versions are named in one message, and a cluster may have many.
    _error_line(f"error: {one_line(message, 20_000)}")


def listen(verbosity: int) -> None:
    """Show warnings; from `-v` on also hits, misses and requests."""
    log.on_warning(warn)
    if verbosity > 0:
        import logging

        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger = logging.getLogger(log.LOGGER)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False


def let_go_of_stdout() -> None:
    """After a broken pipe: give Python nothing to flush, and so nothing to complain of, at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _error_line(line: str) -> None:
    try:
        sys.stderr.write(
            line.encode(sys.stderr.encoding or "utf-8", "replace").decode(sys.stderr.encoding or "utf-8") + "\n"
        )
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
