"""CustomResourceDefinitions whose schemas have every shape that a real API server takes, for `explain`."""

from __future__ import annotations

from typing import Any

GROUP = "explain.test"
_TEXT: dict[str, Any] = {"type": "string"}
_LONG = (
    "A sentence that is longer than a line of the output, with `code`, a-word-with-dashes and https://example.com/"
    + ("x" * 90)
)
_LISTED = "Steps:\n\n  1. first\n\t2. second  with two spaces\n* third\n\nLast paragraph.\n"


def _object(fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, **more}


def _nested(levels: int) -> dict[str, Any]:
    """Objects within each other, in turn directly, in a list and in a map."""
    inner = _object({"value": {"type": "integer", "format": "int64", "description": "The innermost."}})
    for level in range(levels):
        below = [inner, {"type": "array", "items": inner}, {"type": "object", "additionalProperties": inner}][level % 3]
        inner = _object({f"level{level}": below, "name": _TEXT}, description=f"Level {level}.", required=["name"])
    return inner


_SHAPES = {
    "oneOf": _object(
        {"a": _TEXT, "b": {"type": "integer"}, "c": _object({"d": _TEXT})},
        description=_LONG,
        oneOf=[{"required": ["a"]}, {"required": ["b"]}],
        anyOf=[{"required": ["a"]}, {"not": {"required": ["c"]}}],
        allOf=[{"properties": {"c": {"required": ["d"]}}}],
    ),
    "not": {**_TEXT, "not": {"enum": ["no"]}, "description": "Anything else."},
    "intOrString": {"x-kubernetes-int-or-string": True, "description": _LISTED},
    "intOrStrings": {
        "type": "array",
        "items": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True},
    },
    "anything": {"x-kubernetes-preserve-unknown-fields": True},
    "anyObject": _object({"known": _TEXT}, **{"x-kubernetes-preserve-unknown-fields": True}),
    "embedded": _object(
        {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"}, "spec": _object({"x": _TEXT})},
        **{"x-kubernetes-embedded-resource": True},
    ),
    "embeddedAny": {
        "type": "object",
        "x-kubernetes-embedded-resource": True,
        "x-kubernetes-preserve-unknown-fields": True,
    },
    "templates": {
        "type": "array",
        "items": _object({}, **{"x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}),
    },
    "mapOfMaps": {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": _object({"leaf": _TEXT})},
        },
    },
    "mapOfLists": {"type": "object", "additionalProperties": {"type": "array", "items": _object({"leaf": _TEXT})}},
    "listOfLists": {"type": "array", "items": {"type": "array", "items": _object({"leaf": {"type": "boolean"}})}},
    "listOfMaps": {
        "type": "array",
        "items": {"type": "object", "additionalProperties": {"type": "number", "format": "double"}},
    },
    "keyed": {
        "type": "array",
        "items": _object({"key": _TEXT}, required=["key"]),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["key"],
    },
    "emptyObject": {"type": "object", "description": "  \n"},
    "nullable": {"type": "integer", "nullable": True, "minimum": 0, "maximum": 1e9},
    "documented": {**_TEXT, "externalDocs": {"description": _LONG, "url": "https://example.com/docs"}},
    "dated": {**_TEXT, "format": "date-time", "pattern": "^[0-9]"},
    "enum": {**_TEXT, "enum": ["", "one", "two words", "three", "four", "five"], "default": "one"},
    "numbers": {"type": "number", "enum": [1, 1.5, 1000000, 10000000000, 0.00001], "default": 1.5},
    "defaulted": {**_object({"x": {**_TEXT, "default": "y"}}), "default": {"x": "z"}},
    "dotted.name": _object({"below": _TEXT}),
    "with-dash_and/slash": _TEXT,
    "$ref": _TEXT,
    "größe": {**_TEXT, "description": "Größe in 漢字 " * 12},
    "UPPER": _TEXT,
    "required": _object({"required": _TEXT, "properties": {"type": "array", "items": _TEXT}}, required=["required"]),
}
_SPEC = _object(_SHAPES, description=_LISTED, required=["oneOf", "enum"])
_STATUS = _object({"phase": _TEXT, "conditions": {"type": "array", "items": _object({"type": _TEXT, "status": _TEXT})}})
_ROOT = {
    "apiVersion": {**_TEXT, "description": "Own words about the version."},
    "kind": _TEXT,
    "metadata": {"type": "object", "properties": {"name": {**_TEXT, "maxLength": 20}}},
}


def _crd(plural: str, kind: str, versions: dict[str, Any], scope: str = "Namespaced") -> dict[str, Any]:
    served = [
        {
            "name": version,
            "served": True,
            "storage": at == 0,
            "schema": {"openAPIV3Schema": schema},
            "subresources": {"status": {}},
        }
        for at, (version, schema) in enumerate(versions.items())
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": scope,
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": served,
        },
    }


CRDS = [
    _crd("shapes", "Shape", {"v1": _object({"spec": _SPEC, "status": _STATUS}, description=_LONG)}),
    _crd(
        "moving",
        "Moving",
        {
            "v1": _object({**_ROOT, "spec": _object({"new": _TEXT}), "status": _STATUS}),
            "v1beta1": _object({"spec": _object({"old": _TEXT})}, required=["spec"]),
            "v1alpha1": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    ),
    _crd("depths", "Depth", {"v1": _object({"spec": _nested(40)})}, "Cluster"),
    _crd("wide-ones", "Wide", {"v1": _object({f"field{number:03}": _SHAPES["oneOf"] for number in range(200)})}),
    # The name of a resource in the group apps.
    _crd("deployments", "Deployment", {"v1": _object({"spec": _object({"other": _TEXT})})}),
]
