"""Run the command line as another user. Only root can switch users, after everything is imported."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Ran, run

# A user id that no machine has.
JANE = 54321
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user: run it as root"
)

_PROGRAM = """
import encodings.idna, http.client, importlib, os, pkgutil, ssl, sys
import filelock, platformdirs, yaml
import cachediscovery
for module in pkgutil.walk_packages(cachediscovery.__path__, "cachediscovery."):
    if "__main__" not in module.name and ".integrations" not in module.name and ".testing" not in module.name:
        importlib.import_module(module.name)
user = int(sys.argv[1])
os.setgroups([])
os.setgid(user)
os.setuid(user)
from cachediscovery.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


def cli_as(user: int, environ: dict[str, str], *arguments: str) -> Ran:
    """Run the command line in a process of `user`."""
    return run([sys.executable, "-c", _PROGRAM, str(user), *arguments], environ)


@pytest.fixture
def janes_home() -> Iterator[Path]:
    """The home of another user, in a folder that every user can reach."""
    above = Path(tempfile.mkdtemp())
    above.chmod(0o755)
    home = above / "jane"
    home.mkdir(mode=0o755)
    os.chown(home, JANE, JANE)
    yield home
    shutil.rmtree(above)


def give(path: Path, user: int, mode: int | None = None) -> None:
    """Make `user` the owner of a file, or of a folder and all that is in it."""
    for each in [path, *path.rglob("*")]:
        os.chown(each, user, user, follow_symlinks=False)
    if mode is not None:
        path.chmod(mode)


def snapshot(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything below a folder: modes, owners, dates and contents."""
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        # A folder's date shows whether files in it were created or removed.
        found[str(path.relative_to(folder))] = (state.st_mode, state.st_uid, state.st_mtime_ns, content)
    return found
