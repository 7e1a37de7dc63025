"""The output of the command line: results on standard output, warnings and errors on standard error."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# kubectl's settings of Go's `text/tabwriter`.
_MIN_WIDTH = 6
_PADDING = 3
# One message names all failed group versions, which may be many.
MAX_MESSAGE = 20_000
_PRINTABLE = b"\n" + bytes(range(32, 127))
# What removes the progress line from the terminal, while there is one. No output has colours.
erase = ""


class OutputError(Exception):
    """Standard output cannot be written; the message says why."""


def write(text: str) -> None:
    """Write all of `text` to standard output, as UTF-8 on every platform and in every locale.

    Raises `OutputError`, or `BrokenPipeError` if the reader is gone.
    """
    if sys.stdout is None:
        # It was closed before the process started.
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
    """Format `rows` as aligned columns, the last one unpadded. Terminal control characters become spaces."""
    if not rows:
        return ""
    widths = [max(_MIN_WIDTH, max(map(len, column)) + _PADDING) for column in list(zip(*rows, strict=True))[:-1]]
    pattern = "".join([f"%-{width}s" for width in widths]) + "%s"
    return printable_lines("\n".join(map(pattern.__mod__, rows))) + "\n"


def printable_lines(text: str) -> str:
    """Replace terminal control characters in `text` with spaces. Line ends stay."""
    if _is_printable(text):
        return text
    from ..model.redact import printable

    return "\n".join(map(printable, text.split("\n")))


def _is_printable(text: str) -> bool:
    # The fastest check for a listing of tens of thousands of characters.
    return text.isascii() and not text.encode("ascii").translate(None, _PRINTABLE)


def warn(message: str) -> None:
    """Print a warning as one line on standard error."""
    from ..model.redact import one_line

    error_line(f"Warning: {one_line(message)}")


def fail(message: str, hint: str = "") -> None:
    """Print an error as one line on standard error, in kubectl's form; `hint` follows it."""
    from ..model.redact import one_line

    error_line(f"error: {one_line(message, MAX_MESSAGE)}{hint}")


def let_go_of_stdout() -> None:
    """Redirect standard output to the null device after a failed write, so that Python's final flush succeeds."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def error_line(line: str) -> None:
    """Print a line on standard error. A closed or full standard error is ignored."""
    if sys.stderr is None:
        return
    try:
        text = line.encode(sys.stderr.encoding or "utf-8", "replace").decode(sys.stderr.encoding or "utf-8")
        sys.stderr.write(f"{erase}{text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
