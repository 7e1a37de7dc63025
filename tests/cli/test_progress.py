"""The progress line on a terminal, and what else is written meanwhile."""

from __future__ import annotations

import io
import sys

import pytest

from cachediscovery.cli import progress
from cachediscovery.cli.output import warn

from ..conftest import eventually

ERASE = "\r\x1b[K"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_warning_takes_the_place_of_the_progress_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "_QUIET_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    with progress.progress("https://h"):
        assert eventually(lambda: "Asking https://h what it serves" in screen.getvalue())
        warn("attention")
    warn("again")
    assert f"{ERASE}Warning: attention\n" in screen.getvalue()
    assert screen.getvalue().endswith(f"{ERASE}Warning: again\n")
    assert not screen.getvalue().endswith(f"{ERASE}{ERASE}Warning: again\n")
