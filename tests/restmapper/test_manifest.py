"""From a manifest to its resource and its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cachediscovery import (
    AsyncDeferredDiscoveryRESTMapper,
    CachedDiscoveryClient,
    DeferredDiscoveryRESTMapper,
    DiscoveryError,
    InvalidManifest,
    NoKindMatchError,
)
from cachediscovery.testing import DiscoveryServer, FakeDiscoveryClient

from .conftest import LISTS

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}


@pytest.mark.parametrize("deferred", [True, False])
def test_a_manifest_has_what_clients_for_custom_objects_want(fake: FakeDiscoveryClient, deferred: bool) -> None:
    mapper: Any = DeferredDiscoveryRESTMapper(fake)
    mapper = mapper if deferred else mapper.mapper()
    mapping = mapper.mapping_for_object(DEPLOYMENT)
    assert (mapping.group, mapping.version, mapping.plural, mapping.namespaced) == ("apps", "v1", "deployments", True)
    assert mapping.object_path(DEPLOYMENT) == "/apis/apps/v1/namespaces/shop/deployments/web"
    twin = {"apiVersion": "one.example/v1", "kind": "Twin"}
    assert mapper.mapping_for_object(twin).resource == ("one.example", "v1", "twins")
    # No rule could guess this plural.
    assert mapper.mapping_for_object({"apiVersion": "two.example/v1", "kind": "CephNFS"}).plural == "cephnfses"


POD = {"apiVersion": "v1", "kind": "Pod"}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace"}


@pytest.mark.parametrize(
    ("manifest", "namespace", "expected"),
    [
        ({**POD, "metadata": {"name": "a"}}, "default", "/api/v1/namespaces/default/pods/a"),
        ({**POD, "metadata": {"name": "a"}}, "shop", "/api/v1/namespaces/shop/pods/a"),
        ({**POD, "metadata": {"generateName": "a-"}}, "shop", "/api/v1/namespaces/shop/pods"),
        (POD, "", "/api/v1/pods"),
        ({**NAMESPACE, "metadata": {"name": "shop"}}, "default", "/api/v1/namespaces/shop"),
        # The server ignores the namespace of an object that has none.
        ({**NAMESPACE, "metadata": {"name": "a", "namespace": "b"}}, "", "/api/v1/namespaces/a"),
    ],
)
def test_the_path_is_that_of_the_object(
    fake: FakeDiscoveryClient, manifest: dict[str, Any], namespace: str, expected: str
) -> None:
    mapping = DeferredDiscoveryRESTMapper(fake).mapping_for_object(manifest)
    assert mapping.object_path(manifest, namespace) == expected


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({}, "kind is missing"),
        ({"kind": "Pod"}, "apiVersion is missing"),
        ({"kind": "Pod", "apiVersion": ""}, "apiVersion is missing"),
        ({"apiVersion": "v1"}, "kind is missing"),
        ({"apiVersion": "v1", "kind": None}, "kind is missing"),
        ({"apiVersion": 1, "kind": "Pod"}, "apiVersion is a number, not a string"),
        ({"apiVersion": True, "kind": "Pod"}, "apiVersion is a boolean, not a string"),
        ({"apiVersion": "v1", "kind": ["Pod"]}, "kind is a list, not a string"),
        ({"apiVersion": "v1", "kind": {"Pod": 1}}, "kind is a mapping, not a string"),
        ({"apiVersion": "apps/v1/x", "kind": "Pod"}, "apiVersion: 'apps/v1/x' is not a group version"),
        ({"apiVersion": "apps/", "kind": "Deployment"}, "apiVersion: 'apps/' is not a group version"),
    ],
)
def test_what_is_no_manifest_is_an_error_of_one_line(manifest: dict[str, Any], message: str) -> None:
    fake = FakeDiscoveryClient(LISTS)
    mapper = DeferredDiscoveryRESTMapper(fake)
    for lookup in (mapper.mapping_for_object, mapper.mapper().mapping_for_object):
        with pytest.raises(InvalidManifest) as raised:
            lookup(manifest)
        assert isinstance(raised.value, (DiscoveryError, ValueError))
        assert str(raised.value).startswith(f"not a manifest: {message}")
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("web", "metadata is a string, not a mapping"),
        ({"name": 5}, "metadata.name is a number, not a string"),
        ({"name": "a", "namespace": []}, "metadata.namespace is a list, not a string"),
    ],
)
def test_a_path_needs_well_formed_metadata(fake: FakeDiscoveryClient, metadata: object, message: str) -> None:
    mapping = DeferredDiscoveryRESTMapper(fake).mapping_for("pods")
    with pytest.raises(InvalidManifest, match=f"^not a manifest: {message}$"):
        mapping.object_path({"metadata": metadata})


@pytest.mark.parametrize("manifest", ["kind: Pod", None, ["Pod"]])
def test_another_type_than_a_mapping_is_a_type_error(fake: FakeDiscoveryClient, manifest: Any) -> None:
    with pytest.raises(TypeError, match="manifest takes a mapping such as a dict, not"):
        DeferredDiscoveryRESTMapper(fake).mapping_for_object(manifest)


def test_any_mapping_is_a_manifest(fake: FakeDiscoveryClient) -> None:
    class ReadOnly(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return DEPLOYMENT[key]

        def __iter__(self) -> Any:
            return iter(DEPLOYMENT)

        def __len__(self) -> int:
            return len(DEPLOYMENT)

    mapping = DeferredDiscoveryRESTMapper(fake).mapping_for_object(ReadOnly())
    assert mapping.object_path(ReadOnly()).endswith("/deployments/web")


def test_an_unknown_kind_is_a_no_match(fake: FakeDiscoveryClient) -> None:
    with pytest.raises(NoKindMatchError, match=r"no kind Deployment\.apps in version v9: it is in apps/v1"):
        DeferredDiscoveryRESTMapper(fake).mapping_for_object({"apiVersion": "apps/v9", "kind": "Deployment"})


def test_a_manifest_of_one_group_costs_the_documents_of_that_group(server: DiscoveryServer, cached_client: Any) -> None:
    client: CachedDiscoveryClient = cached_client(server)
    server.aggregated = ()
    DeferredDiscoveryRESTMapper(client).mapping_for_object(DEPLOYMENT)
    assert sorted(server.paths()) == ["/api", "/apis", "/apis/apps/v1"]


def test_the_async_mapper_refuses_what_is_no_manifest(fake: FakeDiscoveryClient) -> None:
    import asyncio

    with pytest.raises(InvalidManifest):
        asyncio.run(AsyncDeferredDiscoveryRESTMapper(fake).mapping_for_object({}))
