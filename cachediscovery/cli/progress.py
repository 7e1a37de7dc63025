"""A progress line on the terminal during a long fetch."""

from __future__ import annotations

import os
import sys
import time

from . import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

# No progress line for shorter fetches.
_QUIET_SECONDS = 0.7
_STEP_SECONDS = 0.2
_ERASE = "\r\x1b[K"


class progress:  # noqa: N801 - used like a function: `with progress(server):`
    """Show on standard error, if it is a terminal, how long requests to `server` have taken."""

    def __init__(self, server: str) -> None:
        self._server = server

    def __enter__(self) -> None:
        if not _is_terminal():
            return
        import threading

        self._done = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if _is_terminal():
            self._done.set()
            self._thread.join()

    def _show(self) -> None:
        started = time.monotonic()
        if self._done.wait(_QUIET_SECONDS):
            return
        while True:
            seconds = int(time.monotonic() - started)
            output.erase = _ERASE
            sys.stderr.write(f"{_ERASE}Asking {self._server} what it serves … {seconds} s")
            sys.stderr.flush()
            if self._done.wait(_STEP_SECONDS):
                break
        output.erase = ""
        sys.stderr.write(_ERASE)
        sys.stderr.flush()


def _is_terminal() -> bool:
    # None if it was closed before the process started. A dumb terminal cannot erase a line.
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
