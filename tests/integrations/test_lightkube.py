"""lightkube against the real API server, with classes made from discovery."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import lightkube
import pytest
from lightkube import KubeConfig
from lightkube import generic_resource as generic_resource_module
from lightkube.core.resource_registry import resource_registry
from lightkube.generic_resource import create_global_resource, create_namespaced_resource

from cachediscovery import NoKindMatchError
from cachediscovery.integrations.lightkube import discovery_for, generic_resource, load_generic_resources

from ..crds import CRD
from .conftest import APISERVER, Cluster, clusters

CRDS = [
    CRD("light.test", ("v2", "v1"), "lamps", "Lamp", ("lp",), ("all",)),
    CRD("light.test", ("v1",), "suns", "Sun", namespaced=False),
]


lights = clusters(CRDS)


@pytest.fixture
def client(lights: Cluster) -> Iterator[lightkube.Client]:
    made = lightkube.Client(KubeConfig.from_file(str(lights.kubeconfig)))
    yield made
    if hasattr(made, "close"):  # the oldest supported version has no way to be closed
        made.close()


def test_a_class_created_from_discovery_can_list(client: lightkube.Client) -> None:
    lamp = generic_resource(discovery_for(client), "light.test/v2", "Lamp")
    assert list(client.list(lamp, namespace="default")) == []


@pytest.mark.parametrize("lights", [APISERVER], indirect=True)
def test_a_class_created_from_discovery_can_create_list_and_delete(client: lightkube.Client) -> None:
    lamp = generic_resource(discovery_for(client), "light.test/v2", "Lamp")
    client.create(lamp(metadata={"name": "a", "namespace": "default"}))
    try:
        assert [item.metadata.name for item in client.list(lamp, namespace="default")] == ["a"]
    finally:
        client.delete(lamp, "a", namespace="default")


def test_a_class_has_the_scope_that_the_server_reports(client: lightkube.Client) -> None:
    sun = generic_resource(discovery_for(client), "light.test/v1", "Sun")
    assert list(client.list(sun)) == []
    with pytest.raises(NoKindMatchError, match=r"Sun.light.test in version v2"):
        generic_resource(discovery_for(client), "light.test/v2", "Sun")


def test_creating_a_class_from_a_warm_cache_makes_no_request(lights: Cluster, client: lightkube.Client) -> None:
    agent = "python-httpx"
    generic_resource(discovery_for(client), "light.test/v2", "Lamp")
    start = len(lights.requests_of(agent))
    generic_resource(discovery_for(client), "light.test/v2", "Lamp")
    assert len(lights.requests_of(agent)) == start
    assert start > 0


def test_all_custom_resources_are_loaded_with_two_requests(lights: Cluster, client: lightkube.Client) -> None:
    agent = "python-httpx"
    start = len(lights.requests_of(agent))
    made = load_generic_resources(discovery_for(client))
    assert sorted(lights.requests_of(agent)[start:]) == ["/api", "/apis"]
    assert {"Lamp", "Sun"} <= {item._api_info.resource.kind for item in made}


def test_concurrent_threads_get_the_same_class(client: lightkube.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    discovery = discovery_for(client)
    create_api_info = generic_resource_module.create_api_info

    def create_slowly(*arguments: object, **keywords: object) -> object:
        # Delay between lightkube's registry lookup and the new class, so that the threads race.
        threading.Event().wait(0.01)
        return create_api_info(*arguments, **keywords)

    monkeypatch.setattr(generic_resource_module, "create_api_info", create_slowly)
    resource_registry.clear()
    together = threading.Barrier(8)

    def make() -> type:
        together.wait(60)
        made: type = generic_resource(discovery, "light.test/v1", "Lamp")
        return made

    with ThreadPoolExecutor(8) as pool:
        made = [pool.submit(make) for _ in range(8)]
        assert len({future.result() for future in made}) == 1


def test_an_existing_class_of_the_program_is_returned(client: lightkube.Client) -> None:
    resource_registry.clear()
    made = create_namespaced_resource("light.test", "v1", "Lamp", "lamps", verbs=["get", "list"])
    assert generic_resource(discovery_for(client), "light.test/v1", "Lamp") is made


@pytest.mark.parametrize(
    "create", [partial(create_global_resource, plural="lamps"), partial(create_namespaced_resource, plural="lamp")]
)
def test_an_existing_class_with_other_paths_is_an_error(client: lightkube.Client, create: Callable[..., type]) -> None:
    resource_registry.clear()
    create(group="light.test", version="v1", kind="Lamp")
    with pytest.raises(ValueError, match="different signature"):
        generic_resource(discovery_for(client), "light.test/v1", "Lamp")
    resource_registry.clear()


def test_a_client_without_what_is_needed_is_one_clear_error() -> None:
    class Client:
        _client = None

    with pytest.raises(TypeError, match=r"a lightkube.Client that keeps its httpx client in _client._client, and"):
        discovery_for(Client())
