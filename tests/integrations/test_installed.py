"""`install()`: dynamic clients that are given no discoverer use the cache."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kubernetes import config
from kubernetes.dynamic import DynamicClient, EagerDiscoverer, LazyDiscoverer
from kubernetes.utils import create_from_yaml

from cachediscovery import InvalidOption
from cachediscovery.integrations import kubernetes as ours
from cachediscovery.integrations.kubernetes import CachedDiscoverer
from cachediscovery.testing import DiscoveryServer

from ..crds import CRD
from .conftest import APISERVER, Cluster, clusters

PLAIN = vars(DynamicClient)["__init__"]
AGENT = "installed-client"
gadgets = clusters([CRD("installed.test", ("v1",), "gadgets", "Gadget")])


@pytest.fixture(autouse=True)
def _uninstalled() -> Iterator[None]:
    yield
    ours.uninstall()
    assert vars(DynamicClient)["__init__"] is PLAIN


@pytest.fixture
def api_client(server: DiscoveryServer, tmp_path: Path) -> Any:
    return config.new_client_from_config(str(server.write_kubeconfig(tmp_path / "kubeconfig")))


def is_ours(client: DynamicClient) -> bool:
    return isinstance(client.resources, CachedDiscoverer)


def test_clients_without_a_discoverer_use_the_cache_until_uninstalled(api_client: Any) -> None:
    ours.install()
    assert is_ours(DynamicClient(api_client))
    assert is_ours(DynamicClient(client=api_client, cache_file=None))
    assert is_ours(DynamicClient(api_client, None, None))
    ours.uninstall()
    assert not is_ours(DynamicClient(api_client))


def test_a_subclass_of_the_client_uses_the_cache(api_client: Any) -> None:
    class Theirs(DynamicClient):
        def __init__(self, client: Any, kubeconfig: str) -> None:
            super().__init__(client=client)
            self.kubeconfig = kubeconfig

    ours.install()
    assert is_ours(Theirs(api_client, kubeconfig="a"))


@pytest.mark.parametrize("base", [LazyDiscoverer, EagerDiscoverer])
def test_a_discoverer_that_is_given_is_left_alone(api_client: Any, base: type, tmp_path: Path) -> None:
    theirs = type("Theirs", (base,), {})
    ours.install()
    for given in (theirs, base):
        client = DynamicClient(api_client, str(tmp_path / "file"), given)
        assert type(client.resources) is given


def test_it_may_be_installed_and_uninstalled_any_number_of_times(api_client: Any) -> None:
    ours.uninstall()
    for _ in range(3):
        ours.install()
    once = vars(DynamicClient)["__init__"]
    ours.install()
    assert vars(DynamicClient)["__init__"] is once
    assert once.__wrapped__ is PLAIN
    assert inspect.signature(DynamicClient) == inspect.signature(PLAIN).replace(
        parameters=list(inspect.signature(PLAIN).parameters.values())[1:]
    )
    ours.uninstall()
    assert vars(DynamicClient)["__init__"] is PLAIN
    ours.uninstall()


def test_the_options_are_those_of_the_last_call(api_client: Any, tmp_path: Path) -> None:
    ours.install(cache_dir=tmp_path / "one", ttl="10m")
    ours.install(cache_dir=tmp_path / "two")
    DynamicClient(api_client).resources.get(api_version="apps/v1", kind="Deployment")
    assert not (tmp_path / "one").exists()
    assert list((tmp_path / "two").rglob("servergroups.json"))
    with pytest.raises(InvalidOption, match="ttl must be 0 or more seconds, not -1"):
        ours.install(ttl=-1)
    with pytest.raises(TypeError, match="unexpected keyword 'tll'"):
        ours.install(tll=1)  # type: ignore[call-arg]


def test_a_block_restores_what_was_installed_before(api_client: Any, tmp_path: Path) -> None:
    def folder() -> str:
        return Path(DynamicClient(api_client).resources.discovery.path()).relative_to(tmp_path).parts[0]

    with ours.installed():
        assert is_ours(DynamicClient(api_client))
    assert not is_ours(DynamicClient(api_client))
    ours.install(cache_dir=tmp_path / "outer")
    with ours.installed(cache_dir=tmp_path / "inner"):
        assert folder() == "inner"
    assert folder() == "outer"


def test_blocks_of_threads_may_overlap(api_client: Any) -> None:
    one, two = ours.installed(), ours.installed()
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    assert is_ours(DynamicClient(api_client))
    two.__exit__(None, None, None)
    assert vars(DynamicClient)["__init__"] is PLAIN


def test_threads_may_install_and_uninstall_at_the_same_time(api_client: Any) -> None:
    together = threading.Barrier(8)

    def work(_: int) -> bool:
        together.wait(60)
        for _ in range(20):
            with ours.installed():
                found = is_ours(DynamicClient(api_client))
        return found

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    assert vars(DynamicClient)["__init__"] is PLAIN


def test_a_patch_of_another_package_on_top_stays_and_works(api_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    ours.install()
    under = vars(DynamicClient)["__init__"]

    def counted(self: Any, *arguments: Any, **keywords: Any) -> None:
        calls.append(arguments)
        under(self, *arguments, **keywords)

    with monkeypatch.context() as patched:
        patched.setattr(DynamicClient, "__init__", counted)
        ours.uninstall()
        assert not is_ours(DynamicClient(api_client))
        ours.install()
        assert is_ours(DynamicClient(api_client))
        assert len(calls) == 2
    assert is_ours(DynamicClient(api_client))


@pytest.mark.skipif(
    "apply" not in inspect.signature(create_from_yaml).parameters, reason="this kubernetes has no server-side apply"
)
@pytest.mark.parametrize("gadgets", [APISERVER], indirect=True)
def test_create_from_yaml_applies_objects_without_a_discovery_request(gadgets: Cluster) -> None:
    api_client = config.new_client_from_config(str(gadgets.kubeconfig))
    api_client.user_agent = AGENT
    gadget = {"apiVersion": "installed.test/v1", "kind": "Gadget", "metadata": {"name": "a", "namespace": "default"}}

    def discovery_requests() -> list[str]:
        start = len(gadgets.requests_of(AGENT))
        create_from_yaml(api_client, yaml_objects=[gadget, gadget], apply=True)
        paths = gadgets.requests_of(AGENT)[start:]
        assert sum("/gadgets/a" in path for path in paths) == 2
        return [path for path in paths if "/gadgets/a" not in path]

    with ours.installed():
        assert sorted(discovery_requests()) == ["/api", "/apis"]
        assert discovery_requests() == []
    assert len(discovery_requests()) > 2
    DynamicClient(api_client).resources.get(kind="Gadget").delete(name="a", namespace="default")
