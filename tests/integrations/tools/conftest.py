"""Tools that are too heavy for the tests' own environment: each is installed in one of its own, as `.ci/run` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def programs(request: pytest.FixtureRequest, environ: dict[str, str]) -> Callable[[str], Path]:
    """The folder of the programs of the environment in which an extra is installed."""
    # Each task of Ansible is a process that imports a large package.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)

    def of(extra: str) -> Path:
        folder = request.config.rootpath / f".venv-{extra}" / "bin"
        if not (folder / "python").exists():
            environment = f".venv-{extra}"
            pytest.skip(f"python3 -m venv {environment} && {environment}/bin/pip install -e '.[{extra}]' to run it")
        return folder

    return of
