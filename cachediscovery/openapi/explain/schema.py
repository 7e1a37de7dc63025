"""The fields of a schema as `explain` reads them: empty or missing is the same, another type is `MalformedDocument`."""

from __future__ import annotations

from ...model.fields import MalformedDocument, get_object, get_objects, get_str

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Schema: TypeAlias = dict[str, Any]


def reference(schema: Schema) -> str:
    """The schema's `$ref`."""
    return get_str(schema, "$ref")


def description(schema: Schema) -> str:
    """The schema's own description."""
    return get_str(schema, "description")


def properties(schema: Schema) -> dict[str, Any]:
    """The schemas of the schema's own fields, by name."""
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def items(schema: Schema) -> Schema:
    """The schema of a list's items."""
    return get_object(schema, "items")


def map_values(schema: Schema) -> Schema:
    """The schema of a map's values: `additionalProperties`, if that is a schema."""
    return {} if isinstance(schema.get("additionalProperties"), bool) else get_object(schema, "additionalProperties")


def all_of(schema: Schema) -> list[Schema]:
    """The schemas that all apply."""
    return get_objects(schema, "allOf")


def enum(schema: Schema) -> list[Any]:
    """The values of an enum."""
    found = schema.get("enum") or []
    if not isinstance(found, list):
        raise MalformedDocument("'enum' is not a list")
    return found


def is_required(parent: Schema, name: str) -> bool:
    """Whether `parent` requires the field `name`."""
    required = parent.get("required")
    return isinstance(required, list) and name in required


def parts(schema: Schema) -> list[Schema]:
    """The schemas whose text and fields are shown as the schema's own: `allOf`, a list's items, a map's values."""
    return [*all_of(schema), *filter(None, (items(schema), map_values(schema)))]
