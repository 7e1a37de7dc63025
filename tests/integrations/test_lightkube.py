"""lightkube against the real API server, with classes made from discovery."""

from __future__ import annotations

from collections.abc import Iterator

import lightkube
import pytest
from lightkube import KubeConfig

from cachediscovery import NoKindMatchError
from cachediscovery.integrations.lightkube import discovery_for, generic_resource, load_generic_resources

from ..apiserver.harness import APIServer
from ..crds import CRD

pytestmark = [pytest.mark.apiserver, pytest.mark.xdist_group("apiserver")]
CRDS = [
    CRD("light.test", ("v2", "v1"), "lamps", "Lamp", ("lp",), ("all",)),
    CRD("light.test", ("v1",), "suns", "Sun", namespaced=False),
]


@pytest.fixture(scope="module")
def lights(apiserver: APIServer) -> Iterator[APIServer]:
    apiserver.install(CRDS)
    yield apiserver
    apiserver.uninstall(CRDS)


@pytest.fixture
def client(lights: APIServer) -> Iterator[lightkube.Client]:
    with lightkube.Client(KubeConfig.from_file(str(lights.kubeconfig))) as made:
        yield made


def test_a_class_is_made_from_discovery_and_works(client: lightkube.Client) -> None:
    lamp = generic_resource(discovery_for(client), "light.test/v2", "Lamp")
    client.create(lamp(metadata={"name": "a", "namespace": "default"}))
    try:
        assert [item.metadata.name for item in client.list(lamp, namespace="default")] == ["a"]
    finally:
        client.delete(lamp, "a", namespace="default")


def test_scopes_are_the_servers(client: lightkube.Client) -> None:
    sun = generic_resource(discovery_for(client), "light.test/v1", "Sun")
    assert list(client.list(sun)) == []
    with pytest.raises(NoKindMatchError, match=r"Sun.light.test in version v2"):
        generic_resource(discovery_for(client), "light.test/v2", "Sun")


def test_a_warm_class_costs_no_request(lights: APIServer, client: lightkube.Client) -> None:
    agent = "python-httpx"
    generic_resource(discovery_for(client), "light.test/v2", "Lamp")
    start = len(lights.requests_of(agent))
    generic_resource(discovery_for(client), "light.test/v2", "Lamp")
    assert len(lights.requests_of(agent)) == start
    assert start > 0


def test_everything_outside_the_built_in_groups_is_loaded_in_two_requests(
    lights: APIServer, client: lightkube.Client
) -> None:
    agent = "python-httpx"
    start = len(lights.requests_of(agent))
    made = load_generic_resources(discovery_for(client))
    assert sorted(lights.requests_of(agent)[start:]) == ["/api", "/apis"]
    assert {"Lamp", "Sun"} <= {item._api_info.resource.kind for item in made}
