"""What the `cache` commands and `invalidate` do with OpenAPI documents."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachediscovery import CachedDiscoveryClient, ClientConfig
from cachediscovery.testing import DiscoveryServer

from ...conftest import Ran

Run = Callable[..., Ran]
APPS = "apis/apps/v1"


@pytest.fixture
def http(server: DiscoveryServer, home: Path) -> Path:
    """kubectl's folder of responses, with the index and a document."""
    cache = home / ".kube" / "cache"
    client = CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=str(cache))
    client.openapi_v3().paths()[APPS].body()
    client.server_groups()
    return cache / "http"


def files(http: Path) -> set[Path]:
    return {path for path in http.iterdir() if path.is_file()}


def test_info_counts_the_documents_of_a_cluster(server: DiscoveryServer, cli: Run, http: Path) -> None:
    cluster = json.loads(cli("cache", "info", "-o", "json", server=server).out)["clusters"][0]
    size = len(server.openapi.documents[APPS])
    found = {item["name"]: (item["size"] > size, item["state"]) for item in cluster["documents"]}
    assert found["openapi/v3"] == (False, "fresh")
    assert found[f"openapi/v3/{APPS}"] == (True, "fresh")
    row = cli("cache", "info", server=server).out.splitlines()[3].split()
    assert row[1:3] == [str(len(found))] * 2
    for path in files(http):
        os.utime(path, (time.time() - 7 * 3600,) * 2)
    cluster = json.loads(cli("cache", "info", "-o", "json", server=server).out)["clusters"][0]
    states = {item["name"]: item["state"] for item in cluster["documents"]}
    assert (states["openapi/v3"], states[f"openapi/v3/{APPS}"]) == ("expired", "fresh")


def test_info_finds_a_broken_document(server: DiscoveryServer, cli: Run, http: Path) -> None:
    max(files(http), key=lambda path: path.stat().st_size).write_text("torn")
    cluster = json.loads(cli("cache", "info", "-o", "json", server=server).out)["clusters"][0]
    states = {item["name"]: item["state"] for item in cluster["documents"]}
    assert states[f"openapi/v3/{APPS}"] == "broken"


def test_prune_removes_documents_that_the_index_no_longer_names(
    server: DiscoveryServer, cli: Run, kubectl: Run, http: Path, tmp_path: Path
) -> None:
    before = files(http)
    assert cli("cache", "prune", server=server).out == "removed 0 files\n"
    pod = {"group": "", "kind": "Pod", "version": "v1"}
    document = {
        "openapi": "3.0.0",
        "paths": {"/api/v1/pods": {"get": {"x-kubernetes-group-version-kind": pod}}},
        "components": {"schemas": {"Pod": {"x-kubernetes-group-version-kind": [pod]}}},
    }
    server.openapi.documents["api/v1"] = document
    assert kubectl("explain", "pods", server=server).code == 0
    server.openapi.documents["api/v1"] = {**document, "info": {}}
    assert kubectl("explain", "pods", server=server).code == 0
    other = http / ("0" * 64)
    other.write_bytes(next(iter(before)).read_bytes())
    contents = {path: path.read_bytes() for path in files(http) - before}
    (old,) = [path for path, data in contents.items() if b'"/api/v1/pods"' in data and b'"info"' not in data]
    left = files(http) - {old}
    assert cli("cache", "prune", "--dry-run", server=server).out.splitlines()[0] == f"would remove {old}"
    assert cli("cache", "prune", server=server).out == "removed 1 file\n"
    assert files(http) == left


def test_clear_removes_the_documents(server: DiscoveryServer, cli: Run, http: Path) -> None:
    cli("cache", "clear", server=server)
    assert not http.exists()


def test_invalidate_removes_the_index_and_keeps_the_documents(server: DiscoveryServer, cli: Run, http: Path) -> None:
    before = files(http)
    assert cli("invalidate", server=server).code == 0
    assert len(before - files(http)) == 1
    server.forget_requests()
    cache = str(http.parent)
    CachedDiscoveryClient.for_config(ClientConfig(server.url), cache_dir=cache).openapi_v3().paths()[APPS].body()
    assert server.paths() == ["/openapi/v3"]


def test_verify_leaves_openapi_out(server: DiscoveryServer, cli: Run, http: Path) -> None:
    ran = cli("cache", "verify", server=server)
    assert (ran.code, ran.err) == (0, "")


def test_the_documents_of_a_cluster_in_no_kubeconfig_are_pruned(server: DiscoveryServer, cli: Run, http: Path) -> None:
    with DiscoveryServer() as other:
        cli("cache", "prune", server=other)
    # The two discovery responses are not known to be its own.
    assert len(files(http)) == 2
