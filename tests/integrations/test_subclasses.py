"""Subclasses of `CachedDiscoverer`, made as tools make them of `LazyDiscoverer`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kubernetes import config
from kubernetes.dynamic import DynamicClient, LazyDiscoverer
from kubernetes.dynamic.exceptions import ResourceNotFoundError, ResourceNotUniqueError
from kubernetes.dynamic.resource import ResourceList

from cachediscovery import CacheOptions
from cachediscovery.integrations.kubernetes import CachedDiscoverer
from cachediscovery.testing import DiscoveryServer

# Two resources of one kind, as with a resource and a review of it.
TWO_OF_A_KIND = [
    {"name": "reviews", "singularName": "review", "namespaced": True, "kind": "Review", "verbs": ["create"]},
    {"name": "allreviews", "singularName": "", "namespaced": False, "kind": "Review", "verbs": ["get", "list"]},
    {"name": "ones", "singularName": "one", "namespaced": True, "kind": "One", "verbs": ["get"]},
]


class TheirList(ResourceList):
    """A list class of a tool, which finds its resource only by the lookup."""

    def base_resource(self) -> Any:
        return self.client.resources.get(**self.base_resource_lookup) if self.base_resource_lookup else None


class MostVerbs(CachedDiscoverer):
    resource_list_class = TheirList

    def choose(self, matches: list[Any]) -> list[Any]:
        return [max(matches, key=lambda item: len(item.verbs))]


@pytest.fixture
def api_client(server: DiscoveryServer, tmp_path: Path) -> Any:
    server.recording.add_group("two.test", {"v1": TWO_OF_A_KIND})
    return config.new_client_from_config(str(server.write_kubeconfig(tmp_path / "kubeconfig")))


def test_lists_are_of_the_given_class_and_find_their_resource_by_its_name(api_client: Any) -> None:
    resources = DynamicClient(api_client, discoverer=MostVerbs).resources
    deployments = resources.get(api_version="apps/v1", kind="DeploymentList")
    assert type(deployments) is TheirList
    assert deployments.base_resource() is resources.get(api_version="apps/v1", kind="Deployment")
    of_each = {item.base_resource().name for item in resources.search(api_version="two.test/v1", kind="ReviewList")}
    assert of_each == {"reviews", "allreviews"}
    assert deployments.verbs == deployments.base_resource().verbs
    # Tools leave the group of the kind `List` to the package.
    assert type(resources.get(api_version="v1", kind="List", prefix="apis")) is ResourceList


def test_the_default_lists_find_their_resource_among_several_of_a_kind(api_client: Any) -> None:
    resources = DynamicClient(api_client, discoverer=CachedDiscoverer).resources
    lists = resources.search(api_version="two.test/v1", kind="ReviewList")
    assert [item.base_resource().name for item in lists] == ["reviews", "allreviews"]


def test_a_subclass_chooses_among_several_matches(api_client: Any) -> None:
    resources = DynamicClient(api_client, discoverer=MostVerbs).resources
    assert resources.get(api_version="two.test/v1", kind="Review").name == "allreviews"
    assert resources.get(api_version="two.test/v1", kind="ReviewList").base_resource().name == "allreviews"
    assert resources.get(kind="One").name == "ones"
    with pytest.raises(ResourceNotFoundError, match="No matches found for {'kind': 'None'}"):
        resources.get(kind="None")


def test_without_a_choice_several_matches_are_the_clients_error(api_client: Any, tmp_path: Path) -> None:
    messages = []
    for discoverer in (CachedDiscoverer, LazyDiscoverer):
        resources = DynamicClient(api_client, str(tmp_path / "file"), discoverer).resources
        with pytest.raises(ResourceNotUniqueError, match="Multiple matches found for ") as caught:
            resources.get(api_version="two.test/v1", kind="Review")
        messages.append(str(caught.value).replace(" ", ""))
    assert messages[0] == messages[1]


def test_a_subclass_may_use_the_cache_file_that_it_is_given(api_client: Any, tmp_path: Path) -> None:
    class Beside(CachedDiscoverer):
        def __init__(self, client: Any, cache_file: str) -> None:
            super().__init__(client, cache_file)

        def cache_options(self, cache_file: str | None, options: CacheOptions) -> CacheOptions:
            assert cache_file is not None
            return options._replace(cache_dir=Path(cache_file).parent)

    folder = tmp_path / "theirs"
    resources = DynamicClient(api_client, str(folder / "file.json"), Beside).resources
    assert resources.get(api_version="apps/v1", kind="Deployment").name == "deployments"
    assert list(folder.rglob("servergroups.json"))
