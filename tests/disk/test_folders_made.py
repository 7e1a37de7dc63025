"""Which folders are created, with which modes, and which folder is used if they cannot be created."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, kubeconfig_of, run

Run = Callable[..., Ran]
LISTING = ("api-resources", "--cached")


def modes_below(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}


@pytest.mark.parametrize("has_usable_root", [True, False])
@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
def test_created_files_and_folders_are_private_with_any_umask(
    server: DiscoveryServer, environ: dict[str, str], home: Path, tmp_path: Path, umask: int, has_usable_root: bool
) -> None:
    # A setgid folder: files and folders created in it get its group.
    home.chmod(0o2770)
    variables = {**environ, "KUBECONFIG": str(kubeconfig_of(server, tmp_path))}
    variables.pop("XDG_CACHE_HOME", None)
    if not has_usable_root:
        (home / ".kube").write_text("in the way")
    line = f"umask {umask:04o}; exec '{sys.executable}' -m cachediscovery {' '.join(LISTING)}"
    for requests in (["/api", "/apis"], []):
        ran = run(["sh", "-c", line], variables)
        assert ran.code == 0
        assert has_usable_root is (ran.err == "") or not requests
        assert sorted(server.paths()) == requests
        server.forget_requests()
    made = home / ".kube" if has_usable_root else home / ".cache"
    modes = modes_below(made)
    assert len(modes) > 80
    for name, mode in modes.items():
        assert mode == (0o700 if (made / name).is_dir() else 0o600), name


@pytest.mark.parametrize("umask", ["000", "002"])
def test_a_cache_written_by_kubectl_is_used_with_any_umask(
    server: DiscoveryServer, environ: dict[str, str], kubectl_path: Path, cli: Run, tmp_path: Path, umask: str
) -> None:
    variables = {**environ, "KUBECONFIG": str(kubeconfig_of(server, tmp_path))}
    ran = run(["sh", "-c", f"umask {umask}; exec '{kubectl_path}' api-resources"], variables)
    assert ran.code == 0
    server.forget_requests()
    assert cli(*LISTING, server=server) == ran
    assert server.request_count == 0


def _too_deep(home: Path) -> str:
    return str(home / "/".join(["d" * 200] * 18))


def _everybodys(home: Path) -> str:
    (home / "open").mkdir()
    (home / "open").chmod(0o777)
    return str(home / "open")


def _a_file(home: Path) -> str:
    (home / "file").write_text("in the way")
    return str(home / "file")


@pytest.mark.parametrize("make", [_too_deep, _everybodys, _a_file])
def test_every_command_falls_back_to_the_platforms_folder_without_a_usable_root(
    server: DiscoveryServer, cli: Run, environ: dict[str, str], home: Path, make: Callable[[Path], str]
) -> None:
    expected = cli(*LISTING, server=server, KUBECACHEDIR=str(home / "good")).out
    variables = {"KUBECACHEDIR": make(home)}
    for requests in (["/api", "/apis"], []):
        server.forget_requests()
        ran = cli(*LISTING, server=server, **variables)
        assert (ran.code, ran.out) == (0, expected)
        assert ran.err.count("\n") <= 1
        assert sorted(server.paths()) == requests
    folder = Path(cli("cache", "path", server=server, **variables).out.strip())
    platform = Path(environ["XDG_CACHE_HOME"]) / "cachediscovery" if "XDG_CACHE_HOME" in environ else folder.parents[1]
    assert folder.parent == platform / "discovery"
    assert folder.is_dir()

    info = cli("cache", "info", server=server, **variables)
    assert f"{platform}\n" in info.out
    assert folder.name in info.out
    expired = folder / "apps" / "v1" / "serverresources.json"
    os.utime(expired, (time.time() - 7 * 3600,) * 2)
    assert f"would remove {expired}\n" in cli("cache", "prune", "--dry-run", server=server, **variables).out
    cli("cache", "prune", server=server, **variables)
    assert not expired.exists()
    assert "invalidated 39 documents" in cli("invalidate", server=server, **variables).out
    cli(*LISTING, server=server, **variables)
    assert (folder / "servergroups.json").exists()
    assert "of 1 cluster" in cli("cache", "clear", server=server, **variables).out
    assert not folder.exists()


def test_a_folder_name_that_is_too_long_causes_at_most_one_warning(cli: Run, home: Path) -> None:
    with DiscoveryServer() as server:
        ran = cli(*LISTING, "--server", f"{server.url}/{'x' * 300}")
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert len(ran.err.splitlines()) <= 2
