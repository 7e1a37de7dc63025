from __future__ import annotations

from collections.abc import Callable

import pytest

from cachediscovery import (
    CachedDiscoveryClient,
    DiscoveryClient,
    GroupVersion,
    GroupVersionKind,
    GroupVersionNotFoundError,
    InvalidDocument,
    NoKindMatchError,
    NotFound,
    OpenAPIRoot,
)
from cachediscovery.testing import DiscoveryServer

Make = Callable[..., DiscoveryClient]
APPS = "apis/apps/v1"
DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")


@pytest.fixture
def root(server: DiscoveryServer, base_client: Make) -> OpenAPIRoot:
    return OpenAPIRoot(base_client(server).openapi_v3())


def test_group_versions_are_those_of_client_go_in_its_order(server: DiscoveryServer, root: OpenAPIRoot) -> None:
    paths = "apis/x/v1 apis/x/v1/more api/v2/extra api apis apis/apps version openid/v1/jwks /apis/lead/v1 apis/App/v1"
    paths += " api/ apis//v1 apis/y/ apis/zz/v1 apis/storage/v1 apis/apps/v1beta1 .well-known/openid-configuration"
    server.openapi.documents = {path: {"openapi": "3.0.0"} for path in (*paths.split(), "api/v1", APPS)}
    expected = ["", "App/v1", "apps/v1", "apps/v1beta1", "storage/v1", "v1", "v1", "v2", "x/v1", "x/v1", "y/", "zz/v1"]
    assert [str(found) for found in root.group_versions()] == expected


def test_group_versions_fail_as_the_index_does(server: DiscoveryServer, root: OpenAPIRoot) -> None:
    server.openapi.documents = {}
    with pytest.raises(NotFound):
        root.group_versions()


@pytest.mark.parametrize("group_version", ["apps/v1", GroupVersion("apps", "v1")])
def test_a_document_is_given_typed_and_as_plain_json(root: OpenAPIRoot, group_version: GroupVersion | str) -> None:
    document = root.gv_spec_as_map(group_version)
    spec = root.gv_spec(group_version)
    assert (spec.openapi, spec.info) == (document["openapi"], document["info"])
    assert spec.paths == document["paths"]
    assert spec.schemas == document["components"]["schemas"]
    assert root.gv_spec_as_map(group_version) is not document


@pytest.mark.parametrize(
    ("group_version", "message"),
    [
        ("apps/v9", "GroupVersion (apps/v9) not found as OpenAPI V3 path"),
        ("v9", "GroupVersion (v9) not found as OpenAPI V3 path"),
        (GroupVersion("apps", ""), "GroupVersion (apps/) not found as OpenAPI V3 path"),
    ],
)
def test_an_unknown_group_version_is_client_gos_error(
    root: OpenAPIRoot, group_version: GroupVersion | str, message: str
) -> None:
    for call in (root.gv_spec, root.gv_spec_as_map):
        with pytest.raises(GroupVersionNotFoundError) as caught:
            call(group_version)
        assert str(caught.value) == message
    assert caught.value.group_version.version in ("v9", "")


@pytest.mark.parametrize("part", [{"components": []}, {"components": {"schemas": 7}}, {"paths": []}, {"info": "x"}])
def test_a_document_of_another_form_has_no_typed_form(
    server: DiscoveryServer, root: OpenAPIRoot, part: dict[str, object]
) -> None:
    server.openapi.documents[APPS] = {"openapi": "3.0.0", **part}
    assert root.gv_spec_as_map("apps/v1")["openapi"] == "3.0.0"
    with pytest.raises(InvalidDocument, match="is not an OpenAPI document"):
        root.gv_spec("apps/v1")


def test_a_group_version_newer_than_the_cached_index_is_found(
    server: DiscoveryServer, cached_client: Callable[..., CachedDiscoveryClient]
) -> None:
    cached_client(server).openapi_v3().paths()
    server.openapi.documents["apis/new.test/v1"] = {"openapi": "3.0.0"}
    server.forget_requests()
    root = OpenAPIRoot(cached_client(server).openapi_v3())
    assert root.gv_spec("new.test/v1").openapi == "3.0.0"
    assert server.paths() == ["/openapi/v3", "/openapi/v3/apis/new.test/v1"]
    for _ in range(2):
        with pytest.raises(GroupVersionNotFoundError):
            root.gv_spec("none.test/v1")
    assert server.request_count == 2, "the index is the newest one"


def test_a_kind_that_no_schema_has_is_not_found(root: OpenAPIRoot) -> None:
    with pytest.raises(NoKindMatchError, match="'Nothing' in the OpenAPI document of apis/apps/v1"):
        root.schema_for(DEPLOYMENT._replace(kind="Nothing"))


def test_the_schema_of_a_kind_costs_one_document(server: DiscoveryServer, root: OpenAPIRoot) -> None:
    for kind in ("Deployment", "StatefulSet", "DaemonSet"):
        assert root.schema_for(DEPLOYMENT._replace(kind=kind))["$ref"].endswith(kind)
    assert server.paths().count(f"/openapi/v3/{APPS}") == 1
