"""`explain`, compared with the real kubectl on the recorded documents of an API server, and on others."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cachediscovery.openapi.explain.stored_document import SUFFIX
from cachediscovery.testing import DiscoveryServer

from ...conftest import Ran

Run = Callable[..., Ran]

ARGUMENTS = [
    "pods",
    "po.spec.containers.ports",
    "Pod.spec.tolerations.operator",
    "deployments --recursive",
    "deployments.apps.spec.strategy -R --max-depth=1",
    "deploy.spec.template.metadata.labels",
    "pods['spec.nodeName']",
    "pods..spec.nodeName",
    "pods.",
    "pods.spec.nodeSelector",
    "pods.spec --recursive --max-depth=2",
    "deploy.apps",
    "crd.spec.versions.schema.openAPIV3Schema.not -R --max-depth=2",
    "certificates.cert-manager.io.spec --recursive",
    "issuers --api-version=cert-manager.io/v1",
    "configmaps -R=true",
    # Errors.
    "",
    "pods services",
    "pods --max-depth=1",
    "pods -R --max-depth=-1",
    "pods -o yaml",
    "pods --output=",
    "nope.spec",
    'No"pe',
    "podlist",
    "list",
    "pods.spec.nope.deeper",
    "pods.spec.nodeName.x",
    # A list's items and a map's values have no name.
    "pods.spec.containers[0].name",
    "pods.spec.containers.0.name",
    "pods.spec.nodeSelector.key",
    "pods.metadata.labels.app",
    "pods.metadata.annotations['a.b/c']",
    "deployment.apps",
    "deployments.v1.apps",
    "pods,services",
    ".pods",
    "pods...spec",
    "pods[",
    "pods --api-version=a/b/c",
    "pods --api-version=nope.io/v1",
    "pods --api-version=apps/v1",
    "pods[0] --api-version=v1",
]


@pytest.mark.parametrize("line", ARGUMENTS)
def test_output_and_exit_code_equal_kubectls(server: DiscoveryServer, cli: Run, kubectl: Run, line: str) -> None:
    arguments = line.split(" ") if line else []
    theirs = kubectl("explain", *arguments, server=server)
    assert cli("explain", *arguments, server=server) == theirs
    # From the cache.
    assert cli("explain", *arguments, server=server) == theirs


G = {"group": "g.io", "version": "v1", "kind": "Thing"}
TYPES: dict[str, Any] = {
    "Thing": {
        "description": "A thing.\n",
        "x-kubernetes-group-version-kind": [G],
        "required": ["list"],
        "externalDocs": {"description": "More " * 30, "url": "https://example.com"},
        "properties": {
            "list": {"type": "array", "items": {"$ref": "#/components/schemas/a.b.Item"}, "description": "Items."},
            "map": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
            "one": {"allOf": [{"$ref": "#/components/schemas/a.b.Item"}], "default": {}},
            "nowhere": {"$ref": "#/components/schemas/a.b.Gone", "description": "leads nowhere"},
            "any": {"x-kubernetes-preserve-unknown-fields": True},
            "odd.name": {"type": "string", "description": "word\x85 " * 30 + "\t\x0b\u2028 \u3000漢字 " * 20},
            "enum": {"type": "string", "enum": ["", "a", 1, 1e6, 0.00001, None, True, ["x", None], {"b": 1, "a": ""}]},
        },
    },
    "a.b.Item": {
        "type": "object",
        "description": "An item.",
        "properties": {"again": {"$ref": "#/components/schemas/a.b.Item"}, "port": {"type": "integer", "enum": [1, 2]}},
        "required": ["port"],
    },
}


def make_things(server: DiscoveryServer, types: Any = TYPES) -> None:
    """Make the server serve `things.g.io`, whose document has `types`."""
    resource = {"name": "things", "singularName": "thing", "namespaced": True, "kind": "Thing", "verbs": ["get"]}
    server.recording.add_group("g.io", {"v1": [{**resource, "group": "g.io", "version": "v1"}]})
    put_types(server, types)


def put_types(server: DiscoveryServer, types: Any) -> None:
    paths = {"/apis/g.io/v1/namespaces/{namespace}/things": {"get": {"x-kubernetes-group-version-kind": G}}}
    document = {"openapi": "3.0.0", "paths": paths, "components": {"schemas": types}}
    server.openapi.documents = {**server.openapi.documents, "apis/g.io/v1": document}


@pytest.mark.parametrize(
    "path", ["", ".list", ".list.again.port", ".map", ".one", ".nowhere", ".any", ".any.x", r".odd\.name", ".enum"]
)
@pytest.mark.parametrize("flags", [[], ["--recursive"]])
def test_every_form_of_a_schema_is_shown_as_by_kubectl(
    server: DiscoveryServer, cli: Run, kubectl: Run, path: str, flags: list[str]
) -> None:
    make_things(server)
    ran = cli("explain", f"things{path}", *flags, server=server)
    assert ran == kubectl("explain", f"things{path}", *flags, server=server)


def test_json_has_the_fields_below(server: DiscoveryServer, cli: Run) -> None:
    make_things(server)
    found = json.loads(cli("explain", "things", "-o", "json", server=server).out)
    children = {child.pop("path"): child for child in found.pop("children")}
    assert found == {**G, "path": "", "type": "Object", "description": "A thing.", "required": False}
    assert sorted(children) == ["any", "enum", "list", "map", "nowhere", r"odd\.name", "one"]
    assert children["list"] == {"type": "[]Item", "description": "Items.", "required": True}
    assert children["one"] == {"type": "Item", "description": "", "required": False, "default": {}}
    assert children["enum"]["enum"] == TYPES["Thing"]["properties"]["enum"]["enum"]
    nested = json.loads(cli("explain", "things.list", "-o", "json", "-R", server=server).out)
    assert [child["path"] for child in nested["children"]] == ["list.again", "list.port"]
    # Like kubectl, a type within itself is not shown again.
    assert [child["children"] for child in nested["children"]] == [[], []]


def test_a_warm_run_needs_no_server(server: DiscoveryServer, cli: Run, tmp_path: Path) -> None:
    first = cli("explain", "pods.spec", server=server)
    server.stop()
    assert cli("explain", "pods.spec", KUBECONFIG=str(tmp_path / "kubeconfig")) == first
    assert first.code == 0
    unknown = cli("explain", "pods.spec.nope", KUBECONFIG=str(tmp_path / "kubeconfig"))
    assert unknown.err == 'error: field "nope" does not exist\n'


def test_kubectl_and_the_command_share_documents(server: DiscoveryServer, cli: Run, kubectl: Run) -> None:
    def documents() -> list[str]:
        return [path for path in server.paths() if path.startswith("/openapi/v3/")]

    theirs = kubectl("explain", "pods.spec", server=server)
    assert documents() == ["/openapi/v3/api/v1"]
    assert cli("explain", "pods.spec", server=server) == theirs
    assert cli("explain", "deployments", server=server).code == 0
    assert documents() == ["/openapi/v3/api/v1", "/openapi/v3/apis/apps/v1"]
    assert kubectl("explain", "deployments", server=server).code == 0
    assert len(documents()) == 2


def test_tables_are_written_beside_the_document_and_losing_or_tearing_them_costs_time_only(
    server: DiscoveryServer, cli: Run, home: Path
) -> None:
    cli("explain", "pods", server=server)
    (other,) = home.rglob(f"*{SUFFIX}")
    first = cli("explain", "deployments.spec", server=server)
    (tables,) = {*home.rglob(f"*{SUFFIX}")} - {other}
    whole, foreign = tables.read_bytes(), other.read_bytes()
    server.forget_requests()
    for harm in (b"", whole[: len(whole) // 2], whole.replace(b"Deployment", b"Deploymemt"), os.urandom(5000), foreign):
        tables.write_bytes(harm)
        assert cli("explain", "deployments.spec", server=server) == first
        assert tables.read_bytes() == whole
    document = tables.with_name(tables.name.removesuffix(SUFFIX))
    # Another state of the same file: the tables are made again.
    os.utime(document, ns=(10**18, 10**18))
    assert cli("explain", "deployments.spec", server=server) == first
    assert tables.read_bytes() != whole
    assert server.paths() == []


def test_a_new_field_is_found_on_the_server_and_an_unknown_one_asks_once(server: DiscoveryServer, cli: Run) -> None:
    make_things(server)
    assert cli("explain", "things.any", server=server).code == 0
    thing = {**TYPES["Thing"], "properties": {"new": {"type": "string", "description": "New."}}}
    put_types(server, {**TYPES, "Thing": thing})
    server.forget_requests()
    assert "New." in cli("explain", "things.new", server=server).out
    assert server.paths() == ["/openapi/v3", "/openapi/v3/apis/g.io/v1"]
    server.forget_requests()
    assert cli("explain", "things.newer", server=server).err == 'error: field "newer" does not exist\n'
    assert server.paths() == ["/openapi/v3"]


def test_a_new_resource_is_found_on_the_server(server: DiscoveryServer, cli: Run) -> None:
    assert cli("explain", "pods", server=server).code == 0
    make_things(server)
    assert cli("explain", "things.any", server=server).code == 0


CIRCLE = {"Thing": {"x-kubernetes-group-version-kind": [G], "allOf": [{"$ref": "#/components/schemas/Thing"}]}}
CHAIN = {f"T{number}": {"properties": {"x": {"$ref": f"#/components/schemas/T{number + 1}"}}} for number in range(5000)}
BAD = {
    "a circle": (CIRCLE, "leads to itself without a field on the way"),
    "a long chain": ({**CHAIN, "Thing": {**CHAIN["T0"], "x-kubernetes-group-version-kind": [G]}}, "nested too deeply"),
    "an empty field": ({"Thing": {"x-kubernetes-group-version-kind": [G], "properties": {"x": {}}}}, "has no schema"),
    "a wrong type": ({"Thing": {"x-kubernetes-group-version-kind": [G], "description": 1}}, "is not a string"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_document_that_cannot_be_explained_is_one_line(server: DiscoveryServer, cli: Run, name: str) -> None:
    types, message = BAD[name]
    make_things(server, types)
    ran = cli("explain", "things", "--recursive", server=server)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith("error: the OpenAPI document of g.io/v1 cannot be explained: ")
    assert message in ran.err


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{", b"[" * 100_000, b'{"swagger":"2.0"}'])
def test_a_response_that_is_no_document_is_one_line_and_not_cached(
    server: DiscoveryServer, cli: Run, home: Path, body: bytes
) -> None:
    make_things(server)
    server.openapi.documents = {**server.openapi.documents, "apis/g.io/v1": body}
    ran = cli("explain", "things", server=server)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert f"{server.url}/openapi/v3/apis/g.io/v1" in ran.err
    assert list(home.rglob(f"*{SUFFIX}")) == []
    put_types(server, TYPES)
    assert cli("explain", "things", server=server).code == 0


def test_control_characters_in_descriptions_do_not_reach_a_terminal(server: DiscoveryServer, cli: Run) -> None:
    thing = {"x-kubernetes-group-version-kind": [G], "properties": {"a\x1b[2J": {"type": "string"}}}
    make_things(server, {"Thing": {**thing, "description": "one\x1b]0;title\x07 \x9b2J \u202eback"}})
    ran = cli("explain", "things", server=server)
    assert ran.code == 0
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*ran.out}


def test_prune_and_clear_remove_tables_with_their_document(server: DiscoveryServer, cli: Run, home: Path) -> None:
    make_things(server)
    cli("explain", "pods", server=server)
    cli("explain", "things", server=server)
    assert cli("cache", "prune", server=server).code == 0
    assert len(list(home.rglob(f"*{SUFFIX}"))) == 2
    put_types(server, {**TYPES, "Other": {"type": "string"}})
    assert cli("explain", "things.new", server=server).code == 1
    assert cli("cache", "prune", server=server).code == 0
    named = {path.name.removesuffix(SUFFIX) for path in home.rglob(f"*{SUFFIX}")}
    assert len(named) == 2
    assert named <= {path.name for path in (home / ".kube/cache/http").iterdir()}
    assert cli("cache", "clear", "--yes", server=server).code == 0
    assert list(home.rglob(f"*{SUFFIX}")) == []
