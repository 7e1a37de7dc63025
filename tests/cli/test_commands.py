from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from cachediscovery.testing import DiscoveryServer
from cachediscovery.version import VERSION

from ..conftest import BIN, Ran, eventually, run

Run = Callable[..., Ran]


def test_invalidate_removes_all_documents_for_kubectl_too(server: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    cli("api-resources", server=server)
    assert cli("invalidate", server=server).out == f"invalidated 40 documents of {server.url}\n"
    assert cli("invalidate", server=server).out == f"invalidated 0 documents of {server.url}\n"
    server.forget_requests()
    kubectl("api-resources", "--cached", server=server)
    assert server.request_count == 2


def test_invalidate_with_a_group_version_removes_only_its_document(server: DiscoveryServer, cli: Run) -> None:
    cli("api-resources", server=server)
    assert cli("invalidate", "apps/v1", server=server).out == f"invalidated 1 document of {server.url}\n"
    server.forget_requests()
    cli("api-resources", "--cached", server=server)
    assert server.paths() == ["/apis/apps/v1"]


def test_invalidate_waits_for_a_running_fetch_and_removes_its_documents(cli: Run, home: Path) -> None:
    with DiscoveryServer() as server:
        begun, answer = threading.Event(), threading.Event()
        server.on_request = lambda _: (begun.set(), answer.wait(60), None)[2]
        cli("cache", "path", server=server)
        fetching = threading.Thread(target=cli, args=("api-resources", "--cached"), kwargs={"server": server})
        fetching.start()
        assert begun.wait(60)
        (lock,) = (home / ".kube/cache").rglob(".cachediscovery.lock")
        before = lock.stat().st_mtime_ns
        with ThreadPoolExecutor(1) as pool:
            invalidating = pool.submit(cli, "invalidate", server=server)
            # Waiting for the lock changes its mtime.
            assert eventually(lambda: lock.stat().st_mtime_ns != before)
            answer.set()
            assert invalidating.result().out == f"invalidated 40 documents of {server.url}\n"
        fetching.join()
        assert not list((home / ".kube/cache").rglob("server*.json"))


def test_cache_path_prints_the_clusters_folder(server: DiscoveryServer, cli: Run, home: Path) -> None:
    name = server.url.removeprefix("http://").replace(":", "_")
    assert cli("cache", "path", server=server).out == f"{home}/.kube/cache/discovery/{name}\n"
    assert cli("cache", "path", "--cache-dir=/x", server=server).out.startswith("/x/discovery/")
    assert server.request_count == 0


def test_server_version_prints_the_version_that_kubectl_prints(server: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    assert cli("server-version", server=server).out in kubectl("version", server=server).out
    theirs = json.loads(kubectl("version", "-o", "json", server=server).out)["serverVersion"]
    mine = cli("server-version", "-o", "json", server=server).out
    assert json.loads(mine)["serverVersion"] == theirs
    assert list(json.loads(mine)["serverVersion"]) == list(theirs)
    assert yaml.safe_load(cli("server-version", "-o", "yaml", server=server).out)["serverVersion"] == theirs


def test_flags_can_precede_the_command(server: DiscoveryServer, cli: Run) -> None:
    assert cli("--cache-dir", "/x", "cache", "-v", "path", server=server).out.startswith("/x/discovery/")


@pytest.mark.parametrize("argv", [[], ["--help"], ["help"], ["-h"]])
def test_help_lists_every_command(cli: Run, argv: list[str]) -> None:
    ran = cli(*argv)
    assert ran.code == 0
    for command in ("api-resources", "api-versions", "server-version", "invalidate [GROUP/VERSION]", "cache path"):
        assert f"  {command}" in ran.out


def test_every_commands_help_lists_its_flags(cli: Run) -> None:
    ran = cli("api-resources", "--help")
    assert ran.code == 0
    for flag in (
        "cached",
        "api-group",
        "namespaced",
        "verbs",
        "categories",
        "sort-by",
        "no-headers",
        "output",
    ):
        assert f"--{flag}" in ran.out
    assert "--context" not in ran.out


def test_version_prints_the_package_version(cli: Run) -> None:
    assert cli("version").out == cli("--version").out == f"cachediscovery {VERSION}\n"


def test_kubectl_runs_the_program_as_its_discovery_plugin(
    server: DiscoveryServer, environ: dict[str, str], tmp_path: Path
) -> None:
    environ["PATH"] = f"{BIN}:{environ['PATH']}"
    environ["KUBECONFIG"] = str(server.write_kubeconfig(tmp_path / "kubeconfig"))
    ran = run([BIN / "kubectl", "discovery", "api-versions"], environ)
    assert ran.code == 0
    assert "apps/v1\n" in ran.out
    assert run([BIN / "kubectl", "discovery", "--help"], environ).out.startswith("kubectl discovery: ")


def test_the_demo_shows_a_listing_and_an_explanation_and_their_requests(environ: dict[str, str], home: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "cachediscovery", "demo"], env=environ, capture_output=True, text=True, check=True
    )
    _, *runs = re.split("\n(?=cold: |warm: )", ran.stdout)
    listings, explanations = runs[:2], runs[2:]
    for (cold, warm), words, asked in (
        (listings, "bindings", "/api, /apis"),
        (explanations, "FIELD: strategy <DeploymentStrategy>", "/openapi/v3, /openapi/v3/apis/apps/v1"),
    ):
        assert cold.startswith("cold: ")
        assert warm.startswith("warm: ")
        assert f"2 requests: {asked}," in cold
        assert "0 requests," in warm
        assert cold.count(words) == warm.count(words) == 1
    assert not list(home.iterdir()), "the demo leaves nothing behind"
