"""`Document`: what `explain` reads of the OpenAPI document of a group version."""

from __future__ import annotations

from ...model.fields import MalformedDocument
from . import schema as of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .schema import Schema

KIND = "x-kubernetes-group-version-kind"
_METHODS = ("get", "post", "put", "patch", "delete")
# More references than the largest real documents need, even with `--recursive`. Types that refer to each other many
# times could make a text without end.
_MAX_REFERENCES = 1_000_000


class Document:
    """A parsed document."""

    def __init__(self, parsed: Mapping[str, Any]) -> None:
        self._parsed = parsed
        self._followed = 0

    def close(self) -> None:
        """Close the file that the document is read from, if there is one."""

    def kind_of(self, group: str, version: str, plural: str) -> dict[str, Any]:
        """The group, version and kind of a resource; empty if the document has none."""
        return kind_in_paths(object_in(self._parsed, "paths"), group, version, plural)

    def schema_of(self, kind: Mapping[str, Any]) -> Schema | None:
        """The schema of a group, version and kind; None if the document has none."""
        schemas = object_in(object_in(self._parsed, "components"), "schemas")
        name = name_of_kind(((name, kinds_of(schemas[name])) for name in schemas), kind)
        return None if name is None else schemas[name]

    def resolve(self, keys: list[str]) -> Schema | None:
        """What is found under `keys`, from the document's root on; None if that is no object."""
        return descend(self._parsed, keys)

    def resolved(self, schema: Schema) -> Schema:
        """The schema that `schema` refers to, or else `schema`. Raises `MalformedDocument` after too many of them."""
        reference = of.reference(schema)
        if not reference.startswith("#"):
            return schema
        self._followed += 1
        if self._followed > _MAX_REFERENCES:
            raise MalformedDocument("its types refer to each other too many times")
        if "%" in reference:
            from urllib.parse import unquote

            reference = unquote(reference)
        return self.resolve([key for key in reference[1:].split("/") if key]) or schema


def kind_in_paths(paths: Mapping[str, Any], group: str, version: str, plural: str) -> dict[str, Any]:
    """The group, version and kind of a resource, by the operations at its paths; empty if there is none.

    As in kubectl, the last path that has operations decides.
    """
    prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
    found: dict[str, Any] = {}
    for place in (prefix, f"{prefix}/namespaces/{{namespace}}"):
        for path in (f"{place}/{plural}", f"{place}/{plural}/{{name}}"):
            item = object_in(paths, path)
            for method in _METHODS:
                operation = object_in(item, method)
                if operation:
                    found = object_in(operation, KIND)
                    if found:
                        break
    return found


def kinds_of(schema: Any) -> list[Any]:
    """The kinds, with group and version, that a schema describes."""
    kinds = schema.get(KIND) if isinstance(schema, dict) else None
    return kinds if isinstance(kinds, list) else []


def name_of_kind(schemas: Iterable[tuple[str, list[Any]]], kind: Mapping[str, Any]) -> str | None:
    """The name of the schema of a kind, of `schemas` by name with their kinds; None if there is none."""
    return min((name for name, kinds in schemas if kind in kinds), default=None)


def descend(value: Any, keys: Iterable[str]) -> Schema | None:
    """What is found under `keys` in nested objects; None if that is no object."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else None


def object_in(source: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The object under `key`; an empty one for anything else."""
    found = source.get(key)
    return found if isinstance(found, dict) else {}
