from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cachediscovery import ClientConfig, DiscoveryClient, GroupVersionKind, OpenAPIRoot
from cachediscovery.model.fields import MalformedDocument
from cachediscovery.openapi.json_schema import DIALECT, JSONSchemas
from cachediscovery.testing import DiscoveryServer

REF = "#/components/schemas/"


def schema_of(schema: dict[str, Any], *, strict: bool = False, inline: bool = True, **others: Any) -> dict[str, Any]:
    """The JSON Schema of one schema, which may refer to `others`."""
    made = JSONSchemas({"it": schema, **others}, strict=strict).schema("it", inline=inline)
    Draft202012Validator.check_schema(made)
    return made


def allows(schema: dict[str, Any], value: Any, **more: Any) -> bool:
    answers = {
        Draft202012Validator(schema_of(schema, inline=inline, **more)).is_valid(value) for inline in (True, False)
    }
    assert len(answers) == 1, "inlining makes no difference"
    return answers.pop()


STRING = {"type": "string"}
OBJECT = {"type": "object", "properties": {"a": STRING}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "nullable": True},
        {"type": "string", "nullable": True, "enum": ["x"]},
        {"allOf": [STRING], "nullable": True, "description": "d"},
        {"oneOf": [STRING, {"type": "integer"}], "nullable": True},
    ],
)
def test_nullable_allows_null(schema: dict[str, Any]) -> None:
    assert allows(schema, None)
    assert allows(schema, "x")
    assert not allows(schema, [])
    assert not allows({key: value for key, value in schema.items() if key != "nullable"}, None)
    made = schema_of(schema)
    assert "nullable" not in json.dumps(made)
    assert made.get("description") == schema.get("description")


@pytest.mark.parametrize(
    "schema",
    [
        {"x-kubernetes-int-or-string": True},
        {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, STRING]},
        {"format": "int-or-string", "oneOf": [{"type": "integer"}, STRING]},
        {"format": "int-or-string", "type": "string"},
    ],
)
def test_int_or_string_allows_both_and_nothing_else(schema: dict[str, Any]) -> None:
    assert [allows(schema, value) for value in (8080, "http", 1.5, None, [])] == [True, True, False, False, False]
    assert allows({**schema, "nullable": True}, None)
    assert "int-or-string" not in schema_of(schema).get("format", "")


def test_an_exclusive_limit_is_a_number_in_json_schema() -> None:
    schema = {"type": "number", "minimum": 1, "exclusiveMinimum": True, "maximum": 3, "exclusiveMaximum": False}
    assert [allows(schema, value) for value in (1, 2, 3, 4)] == [False, True, True, False]


def test_unknown_fields_are_allowed_unless_strict() -> None:
    assert allows(OBJECT, {"b": 1})
    assert not allows(OBJECT, {"b": 1}, strict=True)
    assert allows(OBJECT, {"a": "x"}, strict=True)


@pytest.mark.parametrize(
    "schema",
    [
        {**OBJECT, "x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "additionalProperties": STRING},
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"type": "object"},
        {},
    ],
)
def test_strict_allows_unknown_fields_where_the_schema_has_room_for_them(schema: dict[str, Any]) -> None:
    assert allows(schema, {"b": "x"}, strict=True)
    outer = {"type": "object", "properties": {"inner": schema}}
    assert allows(outer, {"inner": {"b": "x"}}, strict=True)
    assert not allows(outer, {"other": 1}, strict=True)


def test_strict_looks_into_lists_maps_and_references() -> None:
    for schema, value in (
        ({"type": "array", "items": OBJECT}, [{"b": 1}]),
        ({"type": "object", "additionalProperties": OBJECT}, {"x": {"b": 1}}),
        ({"type": "object", "additionalProperties": {"type": "array", "items": OBJECT}}, {"x": [{"b": 1}]}),
        ({"allOf": [{"$ref": f"{REF}other"}], "default": {}}, {"b": 1}),
        ({"$ref": f"{REF}other"}, {"b": 1}),
    ):
        assert allows(schema, value, other=OBJECT)
        assert not allows(schema, value, other=OBJECT, strict=True)


def test_strict_knows_that_a_junctor_lists_only_some_fields() -> None:
    schema = {
        "type": "object",
        "properties": {"p": STRING, "q": {"type": "object", "properties": {"x": STRING, "y": STRING}}},
        "oneOf": [{"required": ["p"]}, {"required": ["q"]}],
        "allOf": [{"properties": {"p": {"minLength": 2}, "q": {"properties": {"x": {"minLength": 2}}}}}],
        "not": {"properties": {"p": {"pattern": "^bad"}}, "required": ["p"]},
    }
    assert allows(schema, {"q": {"y": "1"}}, strict=True)
    assert allows(schema, {"p": "good"}, strict=True)
    assert not allows(schema, {"p": "bad"}, strict=True)
    assert not allows(schema, {"q": {"x": "1"}}, strict=True)
    assert not allows(schema, {"q": {"z": "1"}}, strict=True)


def test_strict_allows_what_every_embedded_object_has() -> None:
    schema = {**OBJECT, "x-kubernetes-embedded-resource": True}
    assert allows(schema, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "a": "x"}, strict=True)
    assert not allows(schema, {"apiVersion": "v1", "spec": {}}, strict=True)


def test_extensions_and_fields_named_like_keywords_stay() -> None:
    names = ["$ref", "properties", "items", "nullable", "allOf", "format", "a/b~c%", "not"]
    schema = {"type": "object", "x-kubernetes-list-type": "map", "properties": dict.fromkeys(names, STRING)}
    made = schema_of(schema)
    assert made["properties"] == schema["properties"]
    assert made["x-kubernetes-list-type"] == "map"
    assert made["$schema"] == DIALECT
    assert not allows(schema, {"$ref": 1})


def test_recursive_schemas_stay_references_when_inlined() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": f"{REF}it"}, "leaf": {"$ref": f"{REF}leaf"}}}
    made = schema_of(tree, leaf=STRING)
    assert list(made["$defs"]) == ["it"]
    assert made["$defs"]["it"]["properties"]["leaf"] == STRING
    assert not allows(tree, {"left": {"left": {"leaf": 1}}}, leaf=STRING)
    assert allows(tree, {"left": {"left": {"leaf": "x"}}}, leaf=STRING)
    outer = {"type": "object", "properties": {"one": {"$ref": f"{REF}two"}}}
    two = {"type": "array", "items": {"$ref": f"{REF}three"}}
    three = {"type": "object", "properties": {"two": {"$ref": f"{REF}two"}}}
    assert sorted(schema_of(outer, two=two, three=three)["$defs"]) == ["three", "two"]


def test_odd_names_are_escaped() -> None:
    odd = "a/b~c d%é"
    reference = {"$ref": f"{REF}a~1b~0c%20d%25%C3%A9"}
    assert not allows({"properties": {"x": reference}}, {"x": 1}, **{odd: STRING})


@pytest.mark.parametrize("keyword", ["$ref", "allOf", "anyOf", "oneOf", "not"])
def test_a_circle_without_a_field_in_it_is_an_error(keyword: str) -> None:
    def leading_to(name: str) -> dict[str, Any]:
        reference = {"$ref": f"{REF}{name}"}
        return reference if keyword == "$ref" else {keyword: reference if keyword == "not" else [STRING, reference]}

    for others in ({}, {"other": leading_to("it")}):
        for inline in (True, False):
            with pytest.raises(MalformedDocument, match="refers to itself"):
                JSONSchemas({"it": leading_to("other" if others else "it"), **others}, strict=False).schema(
                    "it", inline=inline
                )


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (f"{REF}none", "leads nowhere"),
        ("https://evil.test/schema", "leads out of the document"),
        ("other.json#/x", "leads out of the document"),
        (7, "leads out of the document"),
        (f"{REF}\x1b[2J", "leads nowhere"),
    ],
)
@pytest.mark.parametrize("inline", [True, False])
def test_a_reference_to_nowhere_is_an_error(reference: Any, message: str, inline: bool) -> None:
    with pytest.raises(MalformedDocument, match=message) as caught:
        schema_of({"properties": {"x": {"items": {"$ref": reference}}}}, inline=inline)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("schema", [[], None, "x", {"properties": []}, {"allOf": {}}, {"properties": {"x": 1}}])
def test_a_schema_of_another_form_is_an_error(schema: Any) -> None:
    with pytest.raises(MalformedDocument):
        schema_of(schema)


@pytest.mark.parametrize("between", ["field", "nothing"])
@pytest.mark.parametrize("inline", [True, False])
def test_references_thousands_deep_are_followed_or_refused(between: str, inline: bool) -> None:
    def leading_to(number: int) -> dict[str, Any]:
        reference = {"$ref": f"{REF}{number}"}
        return {"type": "object", "properties": {"x": reference}} if between == "field" else {"allOf": [reference]}

    schemas = {str(number): leading_to(number + 1) for number in range(5000)}
    schemas["5000"] = STRING
    if between == "field" and not inline:
        made = JSONSchemas(schemas, strict=False).schema("0", inline=False)
        assert not Draft202012Validator(made).is_valid({"x": {"x": {"x": "too early"}}})
        return
    with pytest.raises(MalformedDocument, match="too deep|in a chain"):
        JSONSchemas(schemas, strict=False).schema("0", inline=inline)


def test_schemas_that_double_with_each_reference_are_not_inlined() -> None:
    def twice(number: int) -> dict[str, Any]:
        reference = {"$ref": f"{REF}{number}"}
        return {"type": "object", "properties": {"x": reference, "y": reference}}

    schemas = {**{str(number): twice(number + 1) for number in range(60)}, "60": STRING}
    with pytest.raises(MalformedDocument, match="too large to be inlined"):
        JSONSchemas(schemas, strict=False).schema("0", inline=True)
    assert JSONSchemas(schemas, strict=False).schema("0", inline=False)["$defs"]


@pytest.mark.long
def test_every_kind_of_the_recorded_server_has_a_valid_schema(server: DiscoveryServer) -> None:
    root = OpenAPIRoot(DiscoveryClient.for_config(ClientConfig(server.url)).openapi_v3())
    count = 0
    for group_version in root.group_versions():
        kinds = {
            GroupVersionKind(**said)
            for schema in root.gv_spec(group_version).schemas.values()
            for said in schema.get("x-kubernetes-group-version-kind", ())
        }
        for kind in sorted(kinds):
            if kind.group_version != group_version or kind.kind in ("DeleteOptions", "WatchEvent", "APIGroup"):
                continue
            schema = root.schema_for(kind, strict=True)
            Draft202012Validator.check_schema(schema)
            validator = Draft202012Validator(schema)
            # The recorded CRDs have no schemas of their own.
            preserves = kind.group == "cert-manager.io" and not kind.kind.endswith("List")
            manifest = {"apiVersion": str(group_version), "kind": kind.kind, "items": [], "misspelt": 1}
            assert validator.is_valid(manifest) is preserves
            count += 1
    assert count > 40


def test_a_manifest_is_checked_with_the_servers_schema(server: DiscoveryServer) -> None:
    root = OpenAPIRoot(DiscoveryClient.for_config(ClientConfig(server.url)).openapi_v3())
    container = {"name": "a", "livenessProbe": {"httpGet": {"port": "http"}}, "ports": [{"containerPort": "8080"}]}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {"any": "thing"}},
        "spec": {
            "replica": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"spec": {"containers": [container]}},
        },
    }
    for inline in (True, False):
        schema = root.schema_for(GroupVersionKind("apps", "v1", "Deployment"), strict=True, inline=inline)
        errors = {error.json_path: error.message for error in Draft202012Validator(schema).iter_errors(manifest)}
        assert errors == {
            "$.spec": "Additional properties are not allowed ('replica' was unexpected)",
            "$.spec.template.spec.containers[0].ports[0].containerPort": "'8080' is not of type 'integer'",
        }
