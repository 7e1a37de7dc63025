"""Links, pipes and other special files in the cache: none is followed or blocks, and no link's target is removed."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.config.cluster import Cluster
from cachediscovery.disk.remembered import RememberedCluster
from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran, kubeconfig_of, run
from ..other_user import snapshot

Run = Callable[..., Ran]
LISTING = ("api-resources", "--cached")
OTHERS = [
    ("resolve", "deploy"),
    ("cache", "info"),
    ("cache", "warm", "--refresh"),
    ("cache", "verify"),
    ("invalidate",),
]
FOLDERS = ["cachediscovery", "http", "discovery", "cluster"]


@pytest.fixture
def root(server: DiscoveryServer, cli: Run, home: Path) -> Path:
    """A warm cache, with its index and the stored responses."""
    cli("api-resources", server=server)
    return home / ".kube" / "cache"


def folder_of(root: Path, name: str) -> Path:
    return next((root / "discovery").iterdir()) if name == "cluster" else root / name


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        # The path of a socket must be short.
        os.chdir(path.parent)
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


SPECIAL: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "link to a pipe": lambda path: (os.mkfifo(f"{path}.pipe"), path.symlink_to(f"{path}.pipe")),
    "link to nothing": lambda path: path.symlink_to("/nonexistent/file"),
}


@pytest.mark.parametrize("special", SPECIAL)
def test_a_special_file_at_the_path_of_any_cache_file_is_a_miss(
    server: DiscoveryServer, cli: Run, root: Path, special: str
) -> None:
    expected = cli(*LISTING, server=server)
    found = [path for path in root.rglob("*") if path.is_file()]
    names = {path.name.partition("-")[0] for path in found if "http" not in path.parts}
    assert names == {
        "server",
        ".cachediscovery.index",
        ".cachediscovery.cluster",
        ".cachediscovery.lock",
        ".cachediscovery.fetches",
        "servergroups.json",
        "serverresources.json",
    }
    for path in found:
        path.unlink()
        SPECIAL[special](path)
    assert cli(*LISTING, server=server) == expected
    for line in OTHERS:
        ran = cli(*line, server=server)
        assert ran.code == 0, (line, ran.err)
    assert cli(*LISTING, server=server) == expected


@pytest.mark.parametrize("name", FOLDERS)
def test_files_behind_a_linked_folder_are_neither_used_nor_changed(
    server: DiscoveryServer, cli: Run, root: Path, name: str, tmp_path: Path
) -> None:
    expected = cli(*LISTING, server=server).out
    away = tmp_path / "away"
    folder = folder_of(root, name)
    folder.rename(away)
    folder.symlink_to(away)
    before = snapshot(away)
    server.forget_requests()
    for line in (LISTING, *OTHERS, ("cache", "prune"), ("cache", "clear")):
        ran = cli(*line, server=server)
        assert line != LISTING or (ran.code, ran.out) == (0, expected)
        assert ran.err.count("symbolic link") <= 2
        assert snapshot(away) == before, line
    assert folder.is_symlink()
    if name in ("discovery", "cluster"):
        assert server.paths()[:2] == ["/api", "/apis"] or server.paths()[:2] == ["/apis", "/api"]


def test_forget_removes_no_file_behind_a_linked_folder(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text("one")
    root = tmp_path / "cache"
    known = RememberedCluster(str(root), str(kubeconfig), environ={})
    known.save(Cluster("https://one"))
    assert RememberedCluster(str(root), str(kubeconfig), environ={}).load() is not None
    (root / "cachediscovery").rename(tmp_path / "away")
    (root / "cachediscovery").symlink_to(tmp_path / "away")
    known.forget()
    assert len(list((tmp_path / "away").iterdir())) == 1


def test_the_cache_root_can_be_a_symbolic_link_of_its_owner(
    server: DiscoveryServer, cli: Run, root: Path, tmp_path: Path
) -> None:
    expected = cli(*LISTING, server=server)
    root.rename(tmp_path / "real")
    root.symlink_to(tmp_path / "real")
    server.forget_requests()
    assert cli(*LISTING, server=server) == expected
    assert server.request_count == 0
    assert cli("invalidate", server=server).out.startswith("invalidated 40 documents")
    assert cli("cache", "clear", server=server).code == 0
    assert not list((tmp_path / "real").rglob("*.json"))


def test_a_kubeconfig_that_is_a_pipe_is_read_only_once(
    server: DiscoveryServer, cli: Run, home: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    kubeconfig = kubeconfig_of(server, tmp_path)
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("no bash on the path: install it to test process substitution")
    line = f"exec '{sys.executable}' -m cachediscovery api-resources --cached --kubeconfig <(cat '{kubeconfig}')"
    first = run([shell, "-c", line], environ, timeout=30)
    assert (first.code, first.err) == (0, "")
    assert run([shell, "-c", line], environ, timeout=30) == first
