"""The discoverer for `kubernetes.core`, searched as the collection's modules search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kubernetes import config
from kubernetes.dynamic import DynamicClient, LazyDiscoverer
from kubernetes.dynamic.exceptions import ResourceNotFoundError, ResourceNotUniqueError
from kubernetes.dynamic.resource import ResourceList

from cachediscovery.integrations import ansible
from cachediscovery.integrations.ansible import KubernetesCoreDiscoverer
from cachediscovery.testing import DiscoveryServer

MODULE = "ansible_collections.kubernetes.core.plugins.module_utils.client.discovery"
REVIEWS = [
    {"name": "reviews", "singularName": "review", "namespaced": True, "kind": "Review", "verbs": ["create"]},
    {"name": "allreviews", "singularName": "", "namespaced": False, "kind": "Review", "verbs": ["get", "list"]},
    {"name": "ones", "singularName": "one", "namespaced": True, "kind": "Same", "verbs": ["get"]},
    {"name": "others", "singularName": "other", "namespaced": True, "kind": "Same", "verbs": ["list"]},
]


@pytest.fixture
def api_client(server: DiscoveryServer, tmp_path: Path) -> Any:
    server.recording.add_group("two.test", {"v1": REVIEWS})
    return config.new_client_from_config(str(server.write_kubeconfig(tmp_path / "kubeconfig")))


@pytest.fixture
def collection(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module with the names of the collection's."""
    module = ModuleType(MODULE)
    vars(module)["ResourceList"] = type("ResourceList", (ResourceList,), {})
    vars(module)["LazyDiscoverer"] = type("LazyDiscoverer", (LazyDiscoverer,), {"__module__": MODULE})
    monkeypatch.setitem(__import__("sys").modules, MODULE, module)
    yield module
    ansible.uninstall()


def resource(resources: Any, kind: str, api_version: str = "v1") -> Any:
    """Look as `K8SClient.resource` of the collection does."""
    for prefix in ("api", None) if api_version == "v1" else (None,):
        for attribute in ("kind", "name", "singular_name"):
            try:
                return resources.get(prefix=prefix, api_version=api_version, **{attribute: kind})
            except (ResourceNotFoundError, ResourceNotUniqueError):
                pass
        try:
            return resources.get(prefix=prefix, api_version=api_version, short_names=[kind])
        except ResourceNotFoundError:
            if prefix is None:
                raise
    return None


def test_no_way_of_naming_a_resource_makes_a_request_with_a_warm_cache(
    server: DiscoveryServer, api_client: Any
) -> None:
    DynamicClient(api_client, discoverer=KubernetesCoreDiscoverer).resources.search(kind="Pod")
    server.forget_requests()
    for word, api_version, name in (
        ("ConfigMap", "v1", "configmaps"),
        ("configmaps", "v1", "configmaps"),
        ("cm", "v1", "configmaps"),
        ("deployment", "apps/v1", "deployments"),
        ("deploy", "apps/v1", "deployments"),
        ("Deployment", "v1", "deployments"),
        ("Review", "two.test/v1", "allreviews"),
    ):
        resources = DynamicClient(api_client, discoverer=KubernetesCoreDiscoverer).resources
        assert resource(resources, word, api_version).name == name
        assert server.paths() == [], word


def test_a_word_that_is_nothing_yet_is_asked_for_once(server: DiscoveryServer, api_client: Any) -> None:
    DynamicClient(api_client, discoverer=KubernetesCoreDiscoverer).resources.search(kind="Pod")
    server.forget_requests()
    resources = DynamicClient(api_client, discoverer=KubernetesCoreDiscoverer).resources
    with pytest.raises(ResourceNotFoundError):
        resource(resources, "gadgets", "new.test/v1")
    assert sorted(server.paths()) == ["/api", "/apis"]
    server.install_crd("new.test/v1", "Gadget")
    resources = DynamicClient(api_client, discoverer=KubernetesCoreDiscoverer).resources
    assert resource(resources, "gadgets", "new.test/v1").kind == "Gadget"


def test_of_several_resources_of_a_kind_the_one_with_most_verbs_is_taken(api_client: Any) -> None:
    resources = DynamicClient(api_client, discoverer=KubernetesCoreDiscoverer).resources
    assert resources.get(api_version="two.test/v1", kind="Review").name == "allreviews"
    with pytest.raises(ResourceNotUniqueError):
        resources.get(api_version="two.test/v1", kind="Same")
    with pytest.raises(ResourceNotUniqueError):
        resources.get(kind="Event")


def test_only_the_discoverer_of_the_collection_is_replaced(
    api_client: Any, collection: ModuleType, tmp_path: Path
) -> None:
    ansible.install(cache_dir=tmp_path / "cache")
    client = DynamicClient(api_client, discoverer=collection.LazyDiscoverer)
    assert isinstance(client.resources, KubernetesCoreDiscoverer)
    assert type(client.resources.get(api_version="v1", kind="PodList")) is collection.ResourceList
    assert list((tmp_path / "cache").rglob("servergroups.json"))
    subclass = type("Other", (collection.LazyDiscoverer,), {})
    for other in (None, LazyDiscoverer, subclass):
        assert not isinstance(DynamicClient(api_client, discoverer=other).resources, KubernetesCoreDiscoverer)
    ansible.uninstall()
    assert type(DynamicClient(api_client, discoverer=collection.LazyDiscoverer).resources) is collection.LazyDiscoverer
    with ansible.installed():
        client = DynamicClient(api_client, discoverer=collection.LazyDiscoverer)
    assert isinstance(client.resources, KubernetesCoreDiscoverer)
