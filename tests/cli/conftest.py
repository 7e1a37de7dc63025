"""The command line run in the test's own process: faster than a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import _log
from cachediscovery.cli.main import main
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, kubeconfig_of


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Ran]:
    """Runs a line of words in this process: `here("cache info", server=server)`."""
    monkeypatch.setattr(_log, "_warn_with", None)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))

    def call(line: str, server: DiscoveryServer | None = None) -> Ran:
        if server is not None:
            kubeconfig_of(server, tmp_path)
        capsys.readouterr()
        code = main(line.split())
        return Ran(code, *capsys.readouterr())

    return call
