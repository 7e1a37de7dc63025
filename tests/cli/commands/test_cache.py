from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery.testing import DiscoveryServer

from ...conftest import Ran

Run = Callable[..., Ran]


@pytest.fixture
def folder(server: DiscoveryServer, cli: Run, home: Path) -> Path:
    """The folder of a cluster with a warm cache."""
    cli("api-resources", server=server)
    return Path(cli("cache", "path", server=server).out.strip())


def everything(home: Path) -> set[Path]:
    return {path for path in home.rglob("*") if path.is_file()}


def test_info_lists_clusters_with_document_counts_states_and_ages(
    server: DiscoveryServer, cli: Run, folder: Path
) -> None:
    os.utime(folder / "apps/v1/serverresources.json", (time.time() - 7 * 3600,) * 2)
    (folder / "batch/v1/serverresources.json").write_text("torn")
    lines = cli("cache", "info", server=server).out.splitlines()
    assert lines[0] == str(folder.parents[1])
    headers = ["CLUSTER", "DOCUMENTS", "FRESH", "EXPIRED", "BROKEN", "SIZE", "OLDEST", "SERVER", "CONTEXTS"]
    assert lines[2].split() == headers
    cells = lines[3].split()
    assert cells[:5] == [folder.name, "40", "38", "1", "1"]
    assert cells[-3:] == ["7h", server.url, "local"]
    found = json.loads(cli("cache", "info", "-o", "json", server=server).out)
    (cluster,) = found["clusters"]
    states = {item["name"]: item["state"] for item in cluster["documents"]}
    assert (states["groups"], states["apps/v1"], states["batch/v1"]) == ("fresh", "expired", "broken")
    assert cluster["folder"] == str(folder)
    assert (cluster["server"], cluster["contexts"]) == (server.url, ["local"])


def test_info_of_an_empty_cache_succeeds(cli: Run, home: Path) -> None:
    ran = cli("cache", "info")
    assert (ran.code, ran.out) == (0, f"{home}/.kube/cache holds no cluster\n")


def test_prune_removes_only_expired_broken_and_temporary_files(
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


def test_prune_without_a_kubeconfig_removes_no_cluster(server: DiscoveryServer, cli: Run, folder: Path) -> None:
    ran = cli("cache", "prune", KUBECONFIG="/nonexistent")
    assert ran.out == "removed 0 files\n"
    assert "none is considered orphaned" in ran.err
    assert (folder / "servergroups.json").exists()


def test_clear_removes_all_documents_of_all_clusters(
    server: DiscoveryServer, cli: Run, home: Path, folder: Path
) -> None:
    (folder / "notes.txt").write_text("the user's own")
    assert cli("cache", "clear", server=server).out == "removed 48 files of 1 cluster\n"
    assert [path.name for path in folder.rglob("*")] == ["notes.txt"]
    assert cli("cache", "info", server=server).out.endswith("holds no cluster\n")


def test_clear_follows_no_symbolic_link(
    server: DiscoveryServer, cli: Run, home: Path, folder: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    folder.rename(away)
    folder.symlink_to(away)
    assert cli("cache", "clear", server=server).out == "removed 3 files of 0 clusters\n"
    assert len(everything(away)) == 45
    assert (away / "servergroups.json").exists()


def test_info_counts_an_empty_group_list_as_broken(server: DiscoveryServer, cli: Run, folder: Path) -> None:
    (folder / "servergroups.json").write_text('{"kind":"APIGroupList","apiVersion":"v1","groups":[]}')
    assert cli("cache", "info", server=server).out.splitlines()[3].split()[1:5] == ["40", "39", "0", "1"]


def test_prune_and_clear_cover_stored_responses_and_remembered_clusters(
    server: DiscoveryServer, cli: Run, home: Path, folder: Path
) -> None:
    root = home / ".kube/cache"
    responses, remembered = sorted((root / "http").iterdir()), sorted((root / "cachediscovery").iterdir())
    assert (len(responses), len(remembered)) == (2, 1)
    assert "and 3 files of all clusters: " in cli("cache", "info", server=server).out
    mine = [root / "http/notes", root / "cachediscovery/server-x.bak", root / "cachediscovery/server"]
    for path in mine:
        path.write_text("mine")
    assert cli("cache", "prune", server=server).out == "removed 0 files\n"
    left_behind = responses[0].with_name(f"{responses[0].name}.0123456789ab")
    left_behind.write_bytes(b"half")
    assert cli("cache", "prune", server=server).out == "removed 0 files\n", "its writer may be at it"
    os.utime(left_behind, (time.time() - 3600,) * 2)
    responses[0].write_bytes(b"torn")
    os.utime(responses[1], (time.time() - 31 * 24 * 3600,) * 2)
    assert cli("cache", "prune", server=server).out == "removed 3 files\n"
    cli("cache", "clear", server=server)
    assert everything(root) == set(mine)


def test_verify_finds_no_difference_after_a_fetch(server: DiscoveryServer, cli: Run, folder: Path) -> None:
    ran = cli("cache", "verify", server=server)
    assert ran == Ran(0, f"40 of 40 documents are what {server.url} says\n", "")


def test_verify_accepts_documents_that_kubectl_fetched_without_aggregation(
    legacy_server: DiscoveryServer, cli: Run, kubectl: Run
) -> None:
    assert kubectl("api-resources", server=legacy_server).code == 0
    legacy_server.aggregated = ("v2",)
    ran = cli("cache", "verify", server=legacy_server)
    assert ran == Ran(0, f"40 of 40 documents are what {legacy_server.url} says\n", "")


def test_verify_lists_different_gone_missing_broken_and_unknown_documents(
    server: DiscoveryServer, cli: Run, folder: Path
) -> None:
    widget = {"name": "widgets", "singularName": "widget", "namespaced": True, "kind": "Widget", "verbs": ["get"]}
    server.recording.add_group("old.test", {"v1": [widget]})
    cli("api-resources", server=server)
    server.recording.remove_group("old.test")
    server.recording.add_group("new.test", {"v1": [widget]})
    server.recording.mark_stale("batch/v1")
    changed = folder / "apps/v1/serverresources.json"
    changed.write_text(changed.read_text().replace('"deploy"', '"dp"'))
    (folder / "policy/v1/serverresources.json").write_text("torn")
    (folder / "v1/serverresources.json").unlink()
    ran = cli("cache", "verify", "-o", "json", server=server)
    assert ran.code == 1
    states = {item["name"]: item["state"] for item in json.loads(ran.out)["documents"]}
    expected = {
        "groups": "unknown",
        "v1": "missing",
        "apps/v1": "different",
        "policy/v1": "broken",
        "batch/v1": "unknown",
        "old.test/v1": "gone",
        "new.test/v1": "missing",
    }
    assert {name: state for name, state in states.items() if state != "same"} == expected
    table = cli("cache", "verify", server=server).out.splitlines()
    assert table[0].split() == ["DOCUMENT", "STATE"]
    assert [line.split() for line in table[1:-2]] == [[name, states[name]] for name in states if name in expected]


def test_warm_fetches_each_cluster_of_all_contexts_once(
    server: DiscoveryServer, legacy_server: DiscoveryServer, cli: Run, tmp_path: Path
) -> None:
    clusters = {"one": server.url, "two": legacy_server.url, "down": "http://127.0.0.1:9"}
    contexts = {"a": "one", "b": "two", "c": "one", "d": "down"}
    config = {
        "clusters": [{"name": name, "cluster": {"server": url}} for name, url in clusters.items()],
        "contexts": [{"name": name, "context": {"cluster": cluster}} for name, cluster in contexts.items()],
    }
    kubeconfig = tmp_path / "several"
    kubeconfig.write_text(json.dumps(config))
    ran = cli("cache", "warm", "--kubeconfig", str(kubeconfig))
    assert ran.code == 1
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows == [
        ["CONTEXT", "SERVER", "DOCUMENTS", "STATE"],
        ["a", server.url, "40", "fetched"],
        ["b", legacy_server.url, "40", "fetched"],
        ["c", server.url, "40", "shared"],
        ["d", clusters["down"], "0", "failed"],
    ]
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("error: context d: the connection to http://127.0.0.1:9")
    assert server.request_count == 2
    server.forget_requests()
    assert "fresh" in cli("cache", "warm", "a", "--kubeconfig", str(kubeconfig)).out
    assert server.request_count == 0
    assert "fetched" in cli("cache", "warm", "c", "--refresh", "--kubeconfig", str(kubeconfig)).out
    assert [request.status for request in server.requests] == [304, 304]
    assert cli("api-resources", "--cached", "--context=b", "--kubeconfig", str(kubeconfig)).code == 0


def test_warm_without_any_context_is_an_error(cli: Run) -> None:
    ran = cli("cache", "warm")
    assert ran.code == 1
    assert "no kubeconfig has a context" in ran.err
