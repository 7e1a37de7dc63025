"""The explanation of a schema as JSON, for programs. This form is our own: kubectl has none."""

from __future__ import annotations

from ...model.fields import MalformedDocument
from . import schema as of
from .field_path import escaped
from .walk import fields_of, text_of, type_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .document import Document
    from .schema import Schema
    from .walk import Field

# More than the largest real types have.
_MAX_FIELDS = 1_000_000


def json_form(
    document: Document,
    kind: Mapping[str, Any],
    schema: Schema,
    path: Sequence[str],
    field: Field | None,
    *,
    recursive: bool = False,
    max_depth: int = 0,
) -> dict[str, Any]:
    """The explanation of `schema`, or of one of its fields, with the fields below it under `children`.

    A path is written as in an argument, without the resource. Without `recursive` there is one level of children.
    """
    target = schema if field is None else field.schema
    made = _Form(document, max_depth if recursive else 1)
    text = text_of(document, document.resolved(target)).rstrip("\n")
    shown = made.of_schema(".".join(map(escaped, path)), target, text, field is not None and field.is_required)
    shown["children"] = made.children(shown["path"], document.resolved(target), 1, frozenset())
    return {"group": kind.get("group", ""), "version": kind.get("version", ""), "kind": kind.get("kind", ""), **shown}


class _Form:
    def __init__(self, document: Document, max_depth: int) -> None:
        self._document = document
        self._max_depth = max_depth
        self._count = 0

    def of_schema(self, path: str, schema: Schema, description: str, is_required: bool) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "path": path,
            "type": type_of(self._document, schema),
            "description": description,
            "required": is_required,
        }
        if "default" in schema:
            shown["default"] = schema["default"]
        if of.enum(schema):
            shown["enum"] = of.enum(schema)
        return shown

    def children(self, path: str, schema: Schema, level: int, followed: frozenset[str]) -> list[dict[str, Any]]:
        """The fields of `schema`, with those below them as far as `max_depth` says."""
        found = []
        for field in fields_of(self._document, schema, followed):
            self._count += 1
            if self._count > _MAX_FIELDS:
                raise MalformedDocument("its types contain each other too many times")
            below = f"{path}.{escaped(field.name)}" if path else escaped(field.name)
            description = of.description(field.schema)
            shown = self.of_schema(below, field.schema, description, field.is_required)
            if not self._max_depth or level < self._max_depth:
                shown["children"] = self.children(below, field.schema, level + 1, field.followed)
            found.append(shown)
        return found
