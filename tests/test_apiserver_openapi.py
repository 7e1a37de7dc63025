"""OpenAPI documents of a real kube-apiserver, shared with the real kubectl. The audit log counts the requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cachediscovery import CachedDiscoveryClient, ConfigOverrides, GroupVersion, GroupVersionKind, OpenAPIRoot

from .apiserver.harness import APIServer
from .conftest import Ran, eventually, run

pytestmark = [pytest.mark.apiserver, pytest.mark.xdist_group("apiserver")]

Make = Callable[[], CachedDiscoveryClient]
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PARCEL = GroupVersionKind("schemas.test", "v1", "Parcel")
_MAP: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
_SPEC: dict[str, Any] = {
    "size": {"type": "integer", "nullable": True},
    "port": {"x-kubernetes-int-or-string": True},
    "anything": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "inner": {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "properties": {"spec": {"type": "object", "properties": {"x": {"type": "string"}}}},
    },
    "labels": {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "one": {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
}


def crd(spec: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "parcels.schemas.test"},
        "spec": {
            "group": "schemas.test",
            "scope": "Namespaced",
            "names": {"plural": "parcels", "singular": "parcel", "kind": "Parcel"},
            "versions": [version],
        },
    }


@pytest.fixture
def parcels(apiserver: APIServer) -> Iterator[APIServer]:
    """The API server with a CRD whose schema has every shape, once its document is served."""
    apiserver.request("POST", _CRDS, crd(_SPEC))
    apiserver.wait_for(lambda: "apis/schemas.test/v1" in apiserver.request("GET", "/openapi/v3")["paths"])
    yield apiserver
    apiserver.request("DELETE", f"{_CRDS}/parcels.schemas.test")
    apiserver.wait_for(lambda: "apis/schemas.test/v1" not in apiserver.request("GET", "/openapi/v3")["paths"])


@pytest.fixture
def make(apiserver: APIServer, home: Path) -> Make:
    """Makes clients that share kubectl's cache, as separate processes would."""

    def make() -> CachedDiscoveryClient:
        overrides = ConfigOverrides(kubeconfig=str(apiserver.kubeconfig))
        return CachedDiscoveryClient.from_kubeconfig(overrides, cache_dir=str(home / ".kube" / "cache"))

    return make


@pytest.fixture
def explain(apiserver: APIServer, kubectl_path: Path, environ: dict[str, str]) -> Callable[[str], Ran]:
    variables = {**environ, "KUBECONFIG": str(apiserver.kubeconfig)}
    return lambda resource: run([kubectl_path, "explain", resource], variables)


def asked(server: APIServer, agent: str, before: int) -> list[str]:
    """The paths of the OpenAPI requests of one program, after the first `before` ones, without their queries."""
    paths = [path.partition("?")[0] for path in server.requests_of(agent)]
    return [path for path in paths if path.startswith("/openapi/v3")][before:]


def test_kubectl_and_the_library_warm_each_other(
    apiserver: APIServer, make: Make, explain: Callable[[str], Ran]
) -> None:
    kubectl, ours = (len(asked(apiserver, agent, 0)) for agent in ("kubectl", "cachediscovery"))
    assert explain("pods").code == 0
    assert asked(apiserver, "kubectl", kubectl) == ["/openapi/v3", "/openapi/v3/api/v1"]
    client = make()
    assert client.openapi_v3().paths()["api/v1"].schema()["openapi"] == "3.0.0"
    assert asked(apiserver, "cachediscovery", ours) == []
    client.openapi_v3().paths()["apis/apps/v1"].body()
    assert asked(apiserver, "cachediscovery", ours) == ["/openapi/v3/apis/apps/v1"]
    assert explain("deployments").code == 0
    assert asked(apiserver, "kubectl", kubectl)[2:] == ["/openapi/v3"]


def test_a_changed_crd_costs_the_index_and_one_document(parcels: APIServer, make: Make, home: Path) -> None:
    root = OpenAPIRoot(make().openapi_v3())
    assert "size" in str(root.schema_for(PARCEL))
    files = set((home / ".kube" / "cache" / "http").iterdir())
    changed = crd({**_SPEC, "brandNewField": {"type": "string"}})
    found = parcels.request("GET", f"{_CRDS}/parcels.schemas.test")
    changed["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"]
    parcels.request("PUT", f"{_CRDS}/parcels.schemas.test", changed)
    client = make()

    def is_seen() -> bool:
        client.openapi_v3().invalidate()
        return "brandNewField" in str(OpenAPIRoot(client.openapi_v3()).schema_for(PARCEL))

    assert eventually(is_seen)
    now = set((home / ".kube" / "cache" / "http").iterdir())
    assert (len(now - files), len(files - now)) == (1, 1), "the old document is removed"
    before = len(asked(parcels, "cachediscovery", 0))
    assert "brandNewField" in str(OpenAPIRoot(make().openapi_v3()).schema_for(PARCEL))
    assert asked(parcels, "cachediscovery", before) == []


def test_manifests_are_checked_with_the_schema_of_a_crd(parcels: APIServer, make: Make) -> None:
    root = OpenAPIRoot(make().openapi_v3())
    for inline in (True, False):
        validator = Draft202012Validator(root.schema_for(PARCEL, strict=True, inline=inline))

        def errors(spec: dict[str, Any], validator: Draft202012Validator = validator) -> set[str]:
            manifest = {"apiVersion": "schemas.test/v1", "kind": "Parcel", "metadata": {"name": "x"}, "spec": spec}
            return {error.json_path for error in validator.iter_errors(manifest)}

        good = {"size": None, "port": "http", "anything": {"x": 1}, "labels": {"a": {"b": "c"}}, "one": {"a": "x"}}
        assert errors(good) == set()
        inner = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}}
        assert errors({"inner": {**inner, "spec": {"x": "y"}}}) == set()
        assert errors({"misspelt": 1}) == {"$.spec"}
        assert errors({"port": 1.5}) == {"$.spec.port"}
        assert errors({"labels": {"a": "b"}}) == {"$.spec.labels.a"}
        assert errors({"one": {"a": "x", "b": "y"}}) == {"$.spec.one"}
        assert errors({"inner": {**inner, "spec": {"z": "y"}}}) == {"$.spec.inner.spec"}


def test_every_kind_has_a_valid_json_schema(parcels: APIServer, make: Make) -> None:
    root = OpenAPIRoot(make().openapi_v3())
    group_versions = root.group_versions()
    assert {GroupVersion("", "v1"), GroupVersion("apps", "v1"), PARCEL.group_version} <= set(group_versions)
    count = 0
    for group_version in group_versions:
        for schema in root.gv_spec(group_version).schemas.values():
            for said in schema.get("x-kubernetes-group-version-kind", ()):
                kind = GroupVersionKind(**said)
                if kind.group_version == group_version:
                    Draft202012Validator.check_schema(root.schema_for(kind, strict=True))
                    count += 1
    assert count > 150
