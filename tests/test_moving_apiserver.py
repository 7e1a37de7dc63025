"""A real kube-apiserver whose CRDs and extension server come, change and go while clients read."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from cachediscovery import CachedDiscoveryClient, ConfigOverrides, GroupDiscoveryFailed, load_config
from cachediscovery.testing import DiscoveryServer, load_recording

from .apiserver.harness import APIServer
from .conftest import BIN, run
from .crds import CRD, api_service

pytestmark = [pytest.mark.apiserver, pytest.mark.xdist_group("apiserver")]

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "moving.test"
# The CRD at each step. The scope of a CRD cannot be changed, so it is deleted and created again.
HISTORY: list[CRD | None] = [
    CRD(GROUP, ("v1",), "movers", "Mover", ("mv",)),
    CRD(GROUP, ("v1", "v2"), "movers", "Mover", ("mv",)),
    CRD(GROUP, ("v1", "v2"), "movers", "Mover", ("mov", "mvr")),
    CRD(GROUP, ("v1",), "movers", "Mover", ("mov", "mvr")),
    None,
    CRD(GROUP, ("v1",), "movers", "Mover", ("mv",), namespaced=False),
    CRD(GROUP, ("v3", "v1"), "movers", "Mover", (), namespaced=False),
    None,
]
# Reads as programs do until it is told to stop, then prints what it has seen.
READER = """
import json, os, random, sys, traceback
from cachediscovery import *
kubeconfig, cache_dir, stop, seed = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
options = {"recheck_interval": 0.05}
client = CachedDiscoveryClient.from_kubeconfig(ConfigOverrides(kubeconfig=kubeconfig), cache_dir=cache_dir, **options)
mapper, chance = DeferredDiscoveryRESTMapper(client), random.Random(seed)
seen, errors, partial, reads = set(), [], 0, 0

def look():
    global partial
    try:
        groups, lists = client.server_groups_and_resources()
    except GroupDiscoveryFailed as error:
        partial += 1
        groups, lists = error.result
    else:
        listed = {str(version) for group in groups for version in group.group_versions}
        assert listed == {found.group_version for found in lists}, "a silent gap"
    assert any(found.group_version == "apps/v1" and len(found.resources) > 10 for found in lists), "torn"
    state = []
    for found in lists:
        if found.group_version.startswith("moving.test/"):
            for resource in found.resources:
                if resource.name == "movers":
                    state.append((found.group_version, resource.namespaced, list(resource.short_names)))
    return state

while not os.path.exists(stop):
    try:
        kind = chance.random()
        if kind < 0.1:
            client.invalidate()
        elif kind < 0.15:
            client.refresh()
        elif kind < 0.3:
            try:
                mapper.mapping_for("movers")
            except NoMatchError:
                pass
        seen.update(map(json.dumps, look()))
        reads += 1
    except GroupUnavailableError:
        partial += 1
    except Exception:
        errors.append(traceback.format_exc())
client.invalidate()
print(json.dumps({"seen": sorted(seen), "errors": errors[:3], "partial": partial, "reads": reads, "last": look()}))
"""


def possible() -> set[str]:
    """Every state a client may see: a server applies the versions of a CRD first and its names a moment later."""
    found = set()
    for earlier, later in zip([None, *HISTORY], HISTORY, strict=False):
        crds = [crd for crd in (earlier, later) if crd is not None]
        for crd in crds:
            for names_of in crds:
                if crd.namespaced == names_of.namespaced:
                    found |= expected(crd._replace(short_names=names_of.short_names))
    return found


def replace(server: APIServer, crd: CRD) -> None:
    manifest = crd.manifest()
    manifest["metadata"]["resourceVersion"] = server.request("GET", f"{_CRDS}/{crd.name}")["metadata"][
        "resourceVersion"
    ]
    server.request("PUT", f"{_CRDS}/{crd.name}", manifest)
    # A stored version cannot be dropped. There are no objects, so `storedVersions` can be reset.
    status = {"status": {"storedVersions": [crd.versions[0]]}}
    server.request("PATCH", f"{_CRDS}/{crd.name}/status", status, "application/merge-patch+json")


def served(server: APIServer) -> list[tuple[str, bool, list[str]]]:
    for item in server.aggregated("/apis")["items"]:
        if item["metadata"]["name"] == GROUP:
            return [
                (f"{GROUP}/{entry['version']}", found["scope"] == "Namespaced", found.get("shortNames", []))
                for entry in item["versions"]
                for found in entry["resources"]
                if found["resource"] == "movers"
            ]
    return []


def expected(crd: CRD | None) -> set[str]:
    if crd is None:
        return set()
    return {json.dumps((f"{crd.group}/{version}", crd.namespaced, list(crd.short_names))) for version in crd.versions}


def test_eight_clients_see_only_served_states_while_crds_change(
    apiserver: APIServer,
    tmp_path: Path,
    environ: dict[str, str],
    request: pytest.FixtureRequest,
    figures: Callable[..., None],
) -> None:
    rounds = 10 if request.config.getoption("--whole") else 1
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(apiserver.kubeconfig), str(tmp_path / "cache"), str(stop)]
    readers = [subprocess.Popen([*command, str(seed)], env=environ, stdout=subprocess.PIPE) for seed in range(8)]
    before: CRD | None = None
    try:
        for crd in HISTORY * rounds:
            if crd is None:
                assert before is not None
                apiserver.request("DELETE", f"{_CRDS}/{before.name}")
                apiserver.wait_for(lambda: not [item for item in names(apiserver) if item == "movers.moving.test"])
            elif before is None:
                apiserver.request("POST", _CRDS, crd.manifest())
            else:
                replace(apiserver, crd)
            apiserver.wait_for(lambda crd=crd: set(map(json.dumps, served(apiserver))) == expected(crd))  # type: ignore[misc]
            before = crd
            variables = {**environ, "KUBECONFIG": str(apiserver.kubeconfig), "KUBECACHEDIR": str(tmp_path / "cache")}
            ours = run([sys.executable, "-m", "cachediscovery", "api-resources", "--api-group", GROUP], variables)
            theirs = run([BIN / "kubectl", "api-resources", "--api-group", GROUP], variables)
            assert ours.out == theirs.out
    finally:
        stop.touch()
    reports = [json.loads(reader.communicate(timeout=60)[0]) for reader in readers]
    assert [error for report in reports for error in report["errors"]] == []
    for report in reports:
        assert set(report["seen"]) <= possible()
        assert report["last"] == []
        assert report["reads"] > 10
    settled = set().union(*map(expected, HISTORY))
    assert {state for report in reports for state in report["seen"]} >= settled
    reads = sum(report["reads"] for report in reports)
    figures("CRDs in motion on a real API server", clients=8, changes=len(HISTORY) * rounds, reads=reads, wrong=0)


def names(server: APIServer) -> list[str]:
    return [item["metadata"]["name"] for item in server.request("GET", _CRDS)["items"]]


@pytest.fixture
def extension(apiserver: APIServer, tmp_path: Path) -> Iterator[Callable[[], DiscoveryServer]]:
    """Register an extension API server that is not running yet; yields a function that starts it."""
    recording = load_recording()
    for group in recording.unaggregated["/apis"]["groups"][:]:
        recording.remove_group(group["name"])
    metric = {"name": "nodes", "singularName": "", "namespaced": False, "kind": "NodeMetrics", "verbs": ["get", "list"]}
    recording.add_group("metrics.k8s.io", {"v1beta1": [metric]})
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(tls)
    server = DiscoveryServer(recording, tls=tls)
    port = int(server.url.rpartition(":")[2])
    namespace: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "extension"}}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "metrics"},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
    }
    registered = api_service("metrics", "extension", port)
    apiserver.request("POST", "/api/v1/namespaces", namespace)
    apiserver.request("POST", "/api/v1/namespaces/extension/services", service)
    apiserver.request("POST", "/apis/apiregistration.k8s.io/v1/apiservices", registered)
    started: list[DiscoveryServer] = []

    def start() -> DiscoveryServer:
        server.start()
        started.append(server)
        return server

    yield start
    for running in started:
        running.stop()
    apiserver.request("DELETE", "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io")
    apiserver.request("DELETE", "/api/v1/namespaces/extension/services/metrics")


def test_an_extension_server_is_reported_as_failed_until_it_starts(
    apiserver: APIServer, tmp_path: Path, extension: Callable[[], DiscoveryServer]
) -> None:
    config = load_config(ConfigOverrides(str(apiserver.kubeconfig)))

    def client() -> CachedDiscoveryClient:
        return CachedDiscoveryClient.for_config(config, cache_dir=str(tmp_path / "cache"))

    def failed(asked: CachedDiscoveryClient) -> list[str]:
        try:
            asked.server_groups_and_resources()
        except GroupDiscoveryFailed as error:
            return [str(version) for version in error.failed]
        return []

    def is_stale_in_a_new_process() -> bool:
        asked = client()
        asked.invalidate()
        return failed(asked) == ["metrics.k8s.io/v1beta1"]

    apiserver.wait_for(is_stale_in_a_new_process)
    long_lived = client()
    assert failed(long_lived) == ["metrics.k8s.io/v1beta1"], "the cache on disk does not hide it"
    extension()
    apiserver.wait_for(lambda: failed(long_lived) == [], 150)
    assert long_lived.server_resources_for_group_version("metrics.k8s.io/v1beta1").resources[0].kind == "NodeMetrics"
    assert failed(client()) == []
