"""What the command line prints: results on standard output, warnings and errors on standard error."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# Columns as kubectl aligns them: Go's `text/tabwriter` with kubectl's settings.
_MIN_WIDTH = 6
_PADDING = 3
# All failed group versions are named in one message, and a cluster may have many.
_MAX_MESSAGE = 20_000
_PRINTABLE = b"\n" + bytes(range(32, 127))


class OutputError(Exception):
    """Standard output cannot be written; the message says why."""


def write(text: str) -> None:
    """Write `text` to standard output: whole, and the same bytes on every platform and in every locale.

    Raises `OutputError`, or `BrokenPipeError` if the reader has gone.
    """
    if sys.stdout is None:
        # It was closed when the process began.
        raise OutputError("standard output cannot be written: it is closed")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {error.strerror}") from error


def format_table(rows: Sequence[tuple[str, ...]]) -> str:
    """`rows` as text; the last column is not padded. Characters that steer terminals become spaces."""
    if not rows:
        return ""
    widths = [max(_MIN_WIDTH, max(map(len, column)) + _PADDING) for column in list(zip(*rows, strict=True))[:-1]]
    pattern = "".join([f"%-{width}s" for width in widths]) + "%s"
    return printable_lines("\n".join(map(pattern.__mod__, rows))) + "\n"


def printable_lines(text: str) -> str:
    """`text` with each character that could steer a terminal replaced by a space, line ends left as they are."""
    if _is_printable(text):
        return text
    from ..model.redact import printable

    return "\n".join(map(printable, text.split("\n")))


def _is_printable(text: str) -> bool:
    # A listing has tens of thousands of characters: this is how to look at them fastest.
    return text.isascii() and not text.encode("ascii").translate(None, _PRINTABLE)


def warn(message: str) -> None:
    """One line on standard error."""
    from ..model.redact import one_line

    _error_line(f"Warning: {one_line(message)}")


def fail(message: str) -> None:
    """What went wrong, in one line on standard error, as kubectl says it."""
    from ..model.redact import one_line

    _error_line(f"error: {one_line(message, _MAX_MESSAGE)}")


def show_log(verbosity: int) -> None:
    """From `-v` on, show hits, misses and requests on standard error."""
    if verbosity > 0:
        import logging

        from .. import _log as log
        from ..model.redact import one_line

        class OneLine(logging.Formatter):
            def format(self, record: logging.LogRecord) -> str:
                # URLs and names in it are the server's.
                return one_line(super().format(record), _MAX_MESSAGE)

        handler = logging.StreamHandler()
        handler.setFormatter(OneLine("%(message)s"))
        logger = logging.getLogger(log.LOGGER)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False


def let_go_of_stdout() -> None:
    """After a failed write: give Python nothing to flush, and so nothing to complain of, at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _error_line(line: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(
            line.encode(sys.stderr.encoding or "utf-8", "replace").decode(sys.stderr.encoding or "utf-8") + "\n"
        )
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
