"""Tests on a real kube-apiserver, compared with the real kubectl and client-go."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cachediscovery import (
    CachedDiscoveryClient,
    ConfigOverrides,
    DiscoveryClient,
    GroupDiscoveryFailed,
    GroupVersion,
    StatusError,
    load_config,
)

from .apiserver.harness import APIServer, build
from .cli.commands.test_api_resources import FORMATS
from .conftest import BIN, Ran, run
from .crds import CRD, OPERATORS, api_service

pytestmark = [pytest.mark.apiserver, pytest.mark.xdist_group("apiserver")]

Run = Callable[..., Ran]
EXTRA = [
    CRD("example.test", ("v2", "v1", "v1beta1"), "gadgets", "Gadget", ("gd",), ("all", "gizmos"), subresources=("status", "scale")),
    CRD("example.test", ("v1",), "gizmos", "Gizmo", (), (), namespaced=False, singular="gizmo"),
]  # fmt: skip
DOWN = api_service("metrics-server", "kube-system")
_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture(scope="module")
def crowded(apiserver: APIServer) -> APIServer:
    """The API server with the CRDs of some operators."""
    apiserver.install(OPERATORS)
    return apiserver


@pytest.fixture
def extra(crowded: APIServer) -> Iterator[APIServer]:
    """The API server with more CRDs, for one test."""
    crowded.install(EXTRA)
    yield crowded
    crowded.uninstall(EXTRA)


@pytest.fixture
def both(crowded: APIServer, environ: dict[str, str]) -> tuple[Run, Run]:
    """Our command line and kubectl, in one home, on the API server."""
    variables = {**environ, "KUBECONFIG": str(crowded.kubeconfig)}

    def mine(*arguments: str, **more: str) -> Ran:
        return run([sys.executable, "-m", "cachediscovery", *arguments], {**variables, **more})

    def theirs(*arguments: str, **more: str) -> Ran:
        return run([BIN / "kubectl", *arguments], {**variables, **more})

    return mine, theirs


def client_for(server: APIServer, context: str = "") -> DiscoveryClient:
    return DiscoveryClient.for_config(load_config(ConfigOverrides(str(server.kubeconfig), context=context)))


@pytest.mark.parametrize("cached", [["--cached"], []], ids=["cached", "asking"])
def test_every_output_format_equals_kubectls_byte_for_byte(
    extra: APIServer, both: tuple[Run, Run], cached: list[str]
) -> None:
    mine, theirs = both
    for flags in FORMATS:
        assert mine("api-resources", *cached, *flags.split()) == theirs("api-resources", *cached, *flags.split()), flags
    listed = mine("api-resources", *cached, "--api-group=example.test", "-o", "wide").out
    assert "gadgets" in listed
    assert "gizmos" in listed
    assert mine("api-versions") == theirs("api-versions")


def test_kubectl_reads_our_cache_without_a_request(crowded: APIServer, both: tuple[Run, Run]) -> None:
    mine, theirs = both
    assert mine("api-resources").code == 0
    before = crowded.requests_of("kubectl/")
    assert theirs("api-resources", "--cached").out == mine("api-resources", "--cached").out
    assert crowded.requests_of("kubectl/") == before


def test_the_command_line_reads_kubectls_cache_without_a_request(crowded: APIServer, both: tuple[Run, Run]) -> None:
    mine, theirs = both
    assert theirs("api-resources").code == 0
    before = crowded.requests_of("cachediscovery/")
    assert mine("api-resources", "--cached").out == theirs("api-resources", "--cached").out
    assert crowded.requests_of("cachediscovery/") == before


def test_our_files_are_kubectls_byte_for_byte(
    crowded: APIServer, both: tuple[Run, Run], home: Path, tmp_path: Path
) -> None:
    mine, theirs = both
    mine("api-resources")
    theirs("api-resources", "--cache-dir", str(tmp_path / "theirs"))
    (ours,), (kubectls,) = (home / ".kube/cache/discovery").iterdir(), (tmp_path / "theirs/discovery").iterdir()
    documents = sorted(path.relative_to(kubectls) for path in kubectls.rglob("*.json"))
    assert documents == sorted(path.relative_to(ours) for path in ours.rglob("*.json"))
    for document in documents:
        assert (ours / document).read_bytes() == (kubectls / document).read_bytes()


def test_a_cold_run_makes_two_requests(crowded: APIServer, both: tuple[Run, Run]) -> None:
    before = len(crowded.requests_of("cachediscovery/"))
    assert both[0]("api-resources", "--cached").code == 0
    assert sorted(crowded.requests_of("cachediscovery/")[before:]) == ["/api", "/apis"]


def test_new_and_deleted_crds_are_seen(crowded: APIServer, both: tuple[Run, Run]) -> None:
    mine, theirs = both
    mine("api-resources")
    crowded.install(EXTRA)
    assert "gadgets" not in mine("api-resources", "--cached").out
    assert "gadgets" in mine("api-resources").out
    assert mine("api-resources", "--cached") == theirs("api-resources", "--cached")
    crowded.uninstall(EXTRA)
    assert "gadgets" in mine("api-resources", "--cached").out
    assert "gadgets" not in mine("api-resources").out
    assert mine("api-resources", "--cached") == theirs("api-resources", "--cached")


def test_an_extension_server_that_is_down_is_a_failed_group_version(crowded: APIServer, both: tuple[Run, Run]) -> None:
    mine, theirs = both

    def stale(expected: bool) -> bool:
        return (mine("api-resources").code == 1) == expected

    crowded.request("POST", _SERVICES, DOWN)
    try:
        crowded.wait_for(lambda: stale(True))
        ours, kubectls = mine("api-resources"), theirs("api-resources")
        assert kubectls.code == 0, "kubectl loses it silently"
        assert ours.out == kubectls.out
        assert "metrics.k8s.io/v1beta1: stale GroupVersion discovery" in ours.err
        assert mine("api-resources", "--cached").code == 0, "kubectl's file does not tell"
        mine("api-resources")
        assert mine("api-resources", "--cached").code == 1, "ours is not taken for the whole"
        assert mine("api-versions").out == theirs("api-versions").out
        with pytest.raises(GroupDiscoveryFailed) as caught:
            client_for(crowded).server_groups_and_resources()
        assert list(caught.value.failed) == [GroupVersion("metrics.k8s.io", "v1beta1")]
        legacy = client_for(crowded).with_legacy()
        with pytest.raises(GroupDiscoveryFailed) as caught:
            legacy.server_groups_and_resources()
        error = caught.value.failed[GroupVersion("metrics.k8s.io", "v1beta1")]
        assert isinstance(error, StatusError)
        assert error.code == 503
    finally:
        crowded.request("DELETE", f"{_SERVICES}/v1beta1.metrics.k8s.io")
    crowded.wait_for(lambda: stale(False))
    assert mine("api-resources", "--cached") == theirs("api-resources", "--cached")


def test_the_classic_example_prints_the_same_lines_as_client_go(extra: APIServer, environ: dict[str, str]) -> None:
    theirs = run([build("listing"), extra.kubeconfig], environ)
    assert theirs.code == 0, theirs.err
    _, lists = client_for(extra).server_groups_and_resources()
    mine = []
    for resource_list in lists:
        group_version = GroupVersion.parse(resource_list.group_version)
        for resource in resource_list.resources:
            mine.append(f"NAME: {resource.name}, GROUP: {group_version.group}, VERSION: {group_version.version}")
    assert "NAME: pods, GROUP: , VERSION: v1" in mine
    assert "NAME: gadgets/scale, GROUP: example.test, VERSION: v2" in mine
    assert sorted(mine) == sorted(theirs.out.splitlines())


def test_aggregated_and_legacy_discovery_agree(crowded: APIServer) -> None:
    def found(client: DiscoveryClient) -> list[tuple[str, str, str, bool, tuple[str, ...]]]:
        _, lists = client.server_groups_and_resources()
        return sorted(
            (item.group_version, resource.name, resource.kind, resource.namespaced, tuple(sorted(resource.verbs)))
            for item in lists
            for resource in item.resources
        )

    client = client_for(crowded)
    assert found(client) == found(client.with_legacy())


@pytest.mark.parametrize("context", ["token", "certificate", "viewer"])
def test_every_authentication_method_works(crowded: APIServer, context: str) -> None:
    client = client_for(crowded, context)
    assert client.server_groups().groups
    assert client.server_version().git_version == "v1.37.2"
    assert "apis/apps/v1" in client.openapi_v3().paths()


def test_an_anonymous_request_is_forbidden(crowded: APIServer) -> None:
    with pytest.raises(StatusError, match="system:anonymous") as caught:
        client_for(crowded, "anonymous").server_groups()
    assert caught.value.code == 403


def test_the_server_applies_impersonation(crowded: APIServer) -> None:
    config = load_config(ConfigOverrides(str(crowded.kubeconfig), as_user="jane", as_groups=("one", "two")))
    assert DiscoveryClient.for_config(config).server_groups().groups
    viewer = load_config(ConfigOverrides(str(crowded.kubeconfig), context="viewer", as_user="jane"))
    with pytest.raises(StatusError, match="cannot impersonate"):
        DiscoveryClient.for_config(viewer).server_groups()


def test_a_warm_cache_answers_everything_with_the_api_server_stopped(
    environ: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, apiserver: APIServer
) -> None:
    with APIServer(tmp_path_factory.mktemp("stopped")) as server:
        config = load_config(ConfigOverrides(str(server.kubeconfig)))
        variables = {**environ, "KUBECONFIG": str(server.kubeconfig)}
        warm = CachedDiscoveryClient.for_config(config, cache_dir=f"{environ['HOME']}/.kube/cache")
        groups, lists = warm.server_groups_and_resources()
    for flags in FORMATS:
        ran = run([sys.executable, "-m", "cachediscovery", "api-resources", "--cached", *flags.split()], variables)
        assert (ran.code, ran.err) == (0, "")
    again = CachedDiscoveryClient.for_config(config, cache_dir=f"{environ['HOME']}/.kube/cache")
    assert again.server_groups_and_resources() == (groups, lists)
    assert again.server_resources_for_group_version("apps/v1").resources
    asking = run([sys.executable, "-m", "cachediscovery", "api-resources"], variables)
    assert asking.code == 1
    assert f"{server.url}/api" in asking.err
    assert "refused" in asking.err


def test_a_watch_sees_a_crd_created_and_deleted_within_a_second(crowded: APIServer, tmp_path: Path) -> None:
    config = load_config(ConfigOverrides(str(crowded.kubeconfig)))
    client = CachedDiscoveryClient.for_config(config, cache_dir=str(tmp_path / "cache"))
    crd = EXTRA[1]

    def seen() -> bool:
        lists = client.server_groups_and_resources()[1]
        return any(resource.kind == crd.kind for found in lists for resource in found.resources)

    with client.watch() as watch:
        assert watch.wait_until_watching(30)
        assert not seen()
        started = time.monotonic()
        crowded.request("POST", _CRDS, crd.manifest())
        crowded.wait_for(seen)
        created = time.monotonic() - started
        started = time.monotonic()
        crowded.request("DELETE", f"{_CRDS}/{crd.name}")
        crowded.wait_for(lambda: not seen())
        deleted = time.monotonic() - started
    crowded.wait_for(lambda: crowded.lists(crd.group, crd.versions[-1], crd.plural) is False)
    # It takes a second at most; the rest is slack for a busy machine.
    assert max(created, deleted) < 3, (created, deleted)


def test_a_forbidden_watch_falls_back_to_polling_with_a_warning(
    crowded: APIServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = load_config(ConfigOverrides(str(crowded.kubeconfig), as_user="jane", as_groups=("system:authenticated",)))
    client = CachedDiscoveryClient.for_config(config, cache_dir=str(tmp_path / "cache"))
    with caplog.at_level("WARNING", "cachediscovery"), client.watch(interval=0.2) as watch:
        crowded.wait_for(lambda: client.fresh and bool(caplog.records))
        assert not watch.is_watching
    (record,) = caplog.records
    assert "cannot be watched, the server is asked every 0.2 s instead" in record.getMessage()
    assert "jane" in record.getMessage()
