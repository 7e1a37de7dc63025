"""The official client against the real API server, with its own discoverer and with ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kubernetes import client, config
from kubernetes.dynamic import DynamicClient, EagerDiscoverer, LazyDiscoverer
from kubernetes.dynamic.exceptions import (
    DynamicApiError,
    ForbiddenError,
    ResourceNotFoundError,
    ResourceNotUniqueError,
)
from urllib3.exceptions import HTTPError

from cachediscovery import StatusError
from cachediscovery.integrations.kubernetes import CachedDiscoverer
from cachediscovery.testing import DiscoveryServer, Failure
from cachediscovery.transport.server_identity import gathered_identities

from ..crds import CRD
from .conftest import APISERVER, Cluster, clusters

TWINS = [
    CRD("one.test", ("v2", "v1"), "twins", "Twin", ("tw",), ("all",), subresources=("status", "scale")),
    CRD("two.test", ("v1",), "twins", "Twin"),
]
AGENT = "official-client"


twins = clusters(TWINS)


def dynamic(
    server: Cluster, discoverer: type = CachedDiscoverer, context: str = "token", **keywords: object
) -> DynamicClient:
    api_client = config.new_client_from_config(str(server.kubeconfig), context)
    api_client.user_agent = AGENT
    return DynamicClient(api_client, discoverer=discoverer, **keywords)


def requests_of(server: Cluster) -> list[str]:
    return server.requests_of(AGENT)


def shown(resources: list[object]) -> list[str]:
    return sorted(repr(resource) + type(resource).__name__ + resource.kind for resource in resources)  # type: ignore[attr-defined]


def test_a_warm_lookup_makes_no_request(twins: Cluster) -> None:
    assert dynamic(twins).resources.get(api_version="apps/v1", kind="Deployment").name == "deployments"
    before = requests_of(twins)
    deployments = dynamic(twins).resources.get(api_version="apps/v1", kind="Deployment")
    assert requests_of(twins) == before
    assert deployments.get(namespace="default").items == []
    assert len(requests_of(twins)) == len(before) + 1


def test_a_cold_search_makes_two_requests_instead_of_dozens(twins: Cluster, tmp_path: Path) -> None:
    start = len(requests_of(twins))
    dynamic(twins).resources.search(kind="Deployment")
    ours = requests_of(twins)[start:]
    assert sorted(ours) == ["/api", "/apis"]
    dynamic(twins, LazyDiscoverer, cache_file=str(tmp_path / "cache.json")).resources.search(kind="Deployment")
    assert len(requests_of(twins)) - start - len(ours) > 20


SEARCHES = [
    {"kind": "Deployment"},
    {"api_version": "apps/v1", "kind": "Deployment"},
    {"api_version": "v1", "kind": "Pod"},
    {"api_version": "v1", "group": "apps"},
    {"group": "apps", "kind": "Deployment"},
    {"prefix": "api"},
    {"prefix": "api", "kind": "Pod"},
    {"prefix": "apis", "group": "batch"},
    {"kind": "PodList"},
    {"kind": "List"},
    {"kind": "Twin"},
    {"kind": "Twin", "api_version": "v1"},
    {"kind": "Twin", "preferred": True},
    {"name": "deployments"},
    {"name": "twins"},
    {"singular_name": "deployment"},
    {"short_names": ["deploy"]},
    {"kind": "Deployment", "name": "nothing"},
    {"kind": "Pod", "namespaced": True},
    {"api_version": "apps/v1", "kind": "Nothing"},
    {"api_version": "nope/v1", "kind": "Deployment"},
    {"prefix": "nope"},
]


@pytest.mark.parametrize("theirs", [LazyDiscoverer, EagerDiscoverer])
def test_every_search_finds_what_the_clients_discoverer_finds(twins: Cluster, theirs: type, tmp_path: Path) -> None:
    one = dynamic(twins).resources
    other = dynamic(twins, theirs, cache_file=str(tmp_path / "cache.json")).resources
    for keywords in SEARCHES:
        assert shown(one.search(**keywords)) == shown(other.search(**keywords)), keywords


def test_iteration_api_groups_and_version_match_the_clients_discoverer(twins: Cluster, tmp_path: Path) -> None:
    one = dynamic(twins).resources
    other = dynamic(twins, LazyDiscoverer, cache_file=str(tmp_path / "cache.json")).resources
    assert sorted(map(shown, one)) == sorted(map(shown, other))
    assert sorted(one.api_groups) == sorted(other.api_groups)
    assert one.version == other.version
    assert one.version["kubernetes"]["gitVersion"] == "v1.37.2"


def test_get_raises_the_clients_not_found_and_not_unique_errors(twins: Cluster) -> None:
    resources = dynamic(twins).resources
    with pytest.raises(ResourceNotFoundError):
        resources.get(api_version="apps/v1", kind="Nothing")
    with pytest.raises(ResourceNotUniqueError):
        resources.get(kind="Twin")
    assert resources.get(api_version="one.test/v1", kind="Twin").group == "one.test"


def test_two_lookups_give_equal_resources(twins: Cluster) -> None:
    one, other = (dynamic(twins).resources.get(api_version="one.test/v2", kind="Twin") for _ in range(2))
    assert one == other
    assert one.status == other.status
    assert one.status != other.scale
    assert len({one, other, dynamic(twins).resources.get(api_version="one.test/v1", kind="Twin")}) == 2


def test_subresources_and_lists_match_the_server(twins: Cluster) -> None:
    resources = dynamic(twins).resources
    twin = resources.get(api_version="one.test/v2", kind="Twin")
    assert sorted(twin.subresources) == ["scale", "status"]
    assert twin.scale.path(name="a", namespace="default") == "/apis/one.test/v2/namespaces/default/twins/a/scale"
    assert twin.get(namespace="default").items == []
    twins_list = resources.get(api_version="one.test/v2", kind="TwinList")
    assert twins_list.base_resource() is twin


@pytest.mark.parametrize("twins", [APISERVER], indirect=True)
def test_subresources_and_lists_are_usable(twins: Cluster) -> None:
    made = dynamic(twins)
    twin = made.resources.get(api_version="one.test/v2", kind="Twin")
    assert sorted(twin.subresources) == ["scale", "status"]
    body = {"apiVersion": "one.test/v2", "kind": "Twin", "metadata": {"name": "a"}, "spec": {"replicas": 3}}
    twin.create(body=body, namespace="default")
    try:
        assert twin.scale.get(name="a", namespace="default").spec.replicas == 3
        twins_list = made.resources.get(api_version="one.test/v2", kind="TwinList")
        assert twins_list.base_resource() is twin
        assert twins_list.path(namespace="default") == "/apis/one.test/v2/namespaces/default/twins"
    finally:
        twin.delete(name="a", namespace="default")


def test_a_new_kind_is_found_and_repeated_misses_make_no_request(twins: Cluster) -> None:
    dynamic(twins).resources.search(kind="Pod")
    resources = dynamic(twins).resources
    assert resources.search(kind="Pod")
    fresh = CRD("fresh.test", ("v1",), "freshes", "Fresh")
    twins.install([fresh])
    try:
        assert resources.get(kind="Fresh").group == "fresh.test"
        start = len(requests_of(twins))
        for name in ("Nope", "Nada", "Nought"):
            assert resources.search(kind=name) == []
        assert len(requests_of(twins)) == start, "what was just fetched is fresh"
    finally:
        twins.uninstall([fresh])


def test_invalidate_cache_is_lazy(twins: Cluster) -> None:
    resources = dynamic(twins).resources
    resources.search(kind="Pod")
    start = len(requests_of(twins))
    resources.invalidate_cache()
    assert len(requests_of(twins)) == start
    resources.get(api_version="v1", kind="Namespace")
    assert len(requests_of(twins)) > start


def test_request_errors_are_raised_as_the_clients_exceptions(twins: Cluster) -> None:
    with pytest.raises(ForbiddenError) as caught:
        dynamic(twins, context="anonymous").resources.get(kind="Pod")
    assert isinstance(caught.value, DynamicApiError)
    settings = client.Configuration(host="http://127.0.0.1:1")
    settings.retries = False
    unreachable = DynamicClient(client.ApiClient(settings), discoverer=CachedDiscoverer)
    with pytest.raises(HTTPError):
        unreachable.resources.get(kind="Pod")


def test_the_cache_folder_is_kubectls(twins: Cluster, home: Path) -> None:
    dynamic(twins).resources.search(kind="Pod")
    assert list((home / ".kube" / "cache" / "discovery").rglob("apps/v1/serverresources.json"))
    assert os.environ["HOME"] == str(home)


def test_an_error_response_identifies_the_cluster(server: DiscoveryServer, tmp_path: Path) -> None:
    server.headers["X-Kubernetes-Pf-Flowschema-Uid"] = "0f8a"
    api_client = config.new_client_from_config(str(server.write_kubeconfig(tmp_path / "kubeconfig")))
    resources = DynamicClient(api_client, discoverer=CachedDiscoverer).resources
    server.fail("/api", Failure(403, "no"))
    server.fail("/apis", Failure(403, "no"))
    with gathered_identities() as found, pytest.raises(StatusError):
        resources.discovery.delegate.server_groups()
    assert [identity.uids for identity in found] == [{"0f8a"}, {"0f8a"}]


def test_a_304_identifies_the_cluster(server: DiscoveryServer, tmp_path: Path) -> None:
    server.headers["X-Kubernetes-Pf-Flowschema-Uid"] = "0f8a"
    api_client = config.new_client_from_config(str(server.write_kubeconfig(tmp_path / "kubeconfig")))
    resources = DynamicClient(api_client, discoverer=CachedDiscoverer).resources
    resources.search(kind="Deployment")
    server.forget_requests()
    resources.invalidate_cache()
    with gathered_identities() as found:
        resources.discovery.delegate.server_groups()
    assert [identity.uids for identity in found] == [{"0f8a"}, {"0f8a"}]
    assert [request.status for request in server.requests] == [304, 304]
