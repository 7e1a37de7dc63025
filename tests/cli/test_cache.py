from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from ..conftest import Ran

Run = Callable[..., Ran]


@pytest.fixture
def folder(server: DiscoveryServer, cli: Run, home: Path) -> Path:
    """The folder of a cluster with a warm cache."""
    cli("api-resources", server=server)
    return Path(cli("cache", "path", server=server).out.strip())


def everything(home: Path) -> set[Path]:
    return {path for path in home.rglob("*") if path.is_file()}


def test_info_tells_clusters_documents_ages_and_states(server: DiscoveryServer, cli: Run, folder: Path) -> None:
    os.utime(folder / "apps/v1/serverresources.json", (time.time() - 7 * 3600,) * 2)
    (folder / "batch/v1/serverresources.json").write_text("torn")
    lines = cli("cache", "info", server=server).out.splitlines()
    assert lines[0] == str(folder.parents[1])
    assert lines[2].split() == ["CLUSTER", "DOCUMENTS", "FRESH", "EXPIRED", "BROKEN", "SIZE", "OLDEST"]
    cells = lines[3].split()
    assert cells[:5] == [folder.name, "40", "38", "1", "1"]
    assert cells[-1] == "7h"
    found = json.loads(cli("cache", "info", "-o", "json", server=server).out)
    (cluster,) = found["clusters"]
    states = {item["name"]: item["state"] for item in cluster["documents"]}
    assert (states["groups"], states["apps/v1"], states["batch/v1"]) == ("fresh", "expired", "broken")
    assert cluster["folder"] == str(folder)


def test_info_of_an_empty_cache_is_no_error(cli: Run, home: Path) -> None:
    ran = cli("cache", "info")
    assert (ran.code, ran.out) == (0, f"{home}/.kube/cache holds no cluster\n")


def test_prune_removes_what_is_expired_broken_or_torn_and_nothing_else(
    server: DiscoveryServer, cli: Run, home: Path, folder: Path
) -> None:
    expired, broken = folder / "apps/v1/serverresources.json", folder / "batch/v1/serverresources.json"
    torn = folder / "v1/serverresources.json.123456"
    os.utime(expired, (time.time() - 7 * 3600,) * 2)
    broken.write_text("torn")
    torn.write_text("half")
    mine = [folder / "apps/notes.txt", folder / "servergroups.json.d", home / ".kube/cache/discovery/README"]
    mine.append(folder / "servergroups.json.bak")
    for path in mine[:1] + mine[2:]:
        path.write_text("the user's own")
    mine[1].mkdir()
    os.utime(mine[3], (0, 0))
    before = everything(home)
    dry = cli("cache", "prune", "--dry-run", server=server)
    assert everything(home) == before
    assert dry.out.splitlines()[-1] == "would remove 2 files", "what was just written may yet be renamed"
    os.utime(torn, (time.time() - 3600,) * 2)
    assert cli("cache", "prune", server=server).out == "removed 3 files\n"
    assert before - everything(home) == {expired, broken, torn}
    assert not broken.parent.exists(), "empty folders go as well"
    assert cli("api-resources", "--cached", server=server).code == 0


def test_prune_removes_clusters_that_are_in_no_kubeconfig(server: DiscoveryServer, cli: Run, folder: Path) -> None:
    with DiscoveryServer() as other:
        ran = cli("cache", "prune", server=other)
    assert ran.code == 0
    assert not folder.exists()
    assert folder.parent.exists() or not list(folder.parents[1].glob("discovery/*"))


def test_without_a_kubeconfig_no_cluster_is_orphaned(server: DiscoveryServer, cli: Run, folder: Path) -> None:
    ran = cli("cache", "prune", KUBECONFIG="/nonexistent")
    assert ran.out == "removed 0 files\n"
    assert "none is taken for orphaned" in ran.err
    assert (folder / "servergroups.json").exists()


def test_clear_removes_all_documents_of_all_clusters(
    server: DiscoveryServer, cli: Run, home: Path, folder: Path
) -> None:
    (folder / "notes.txt").write_text("the user's own")
    assert cli("cache", "clear", server=server).out == "removed 42 files of 1 cluster\n"
    assert [path.name for path in folder.rglob("*")] == ["notes.txt"]
    assert cli("cache", "info", server=server).out.endswith("holds no cluster\n")


def test_no_link_is_followed(server: DiscoveryServer, cli: Run, home: Path, folder: Path, tmp_path: Path) -> None:
    away = tmp_path / "away"
    folder.rename(away)
    folder.symlink_to(away)
    assert cli("cache", "clear", server=server).out == "removed 0 files of 0 clusters\n"
    assert (away / "servergroups.json").exists()


def test_info_judges_a_groups_file_as_the_cache_does(server: DiscoveryServer, cli: Run, folder: Path) -> None:
    (folder / "servergroups.json").write_text('{"kind":"APIGroupList","apiVersion":"v1","groups":[]}')
    assert cli("cache", "info", server=server).out.splitlines()[3].split()[1:5] == ["40", "39", "0", "1"]
