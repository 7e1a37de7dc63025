"""`JSONSchemas`: the schemas of an OpenAPI v3.0 document as JSON Schema, dialect 2020-12.

OpenAPI's own keywords are translated: `nullable`, booleans as `exclusiveMinimum` and `exclusiveMaximum`, `format:
int-or-string` and `x-kubernetes-int-or-string`. Extensions (`x-…`) and texts stay.
"""

from __future__ import annotations

import copy

from ..model.fields import MalformedDocument, get_bool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PREFIX = "#/components/schemas/"
_JUNCTORS = ("allOf", "anyOf", "oneOf")
_TRANSLATED = ("nullable", "exclusiveMinimum", "exclusiveMaximum")
_INT_OR_STRING = "int-or-string"
# What describes a value, and does not restrict it.
_ANNOTATIONS = ("description", "title", "default", "example", "externalDocs", "deprecated")
# A validator follows a chain of references that are one inside the other at one place by recursion.
_MAX_CHAIN = 40
_MAX_NODES = 1_000_000
_OF_EVERY_OBJECT = ("apiVersion", "kind", "metadata")


class JSONSchemas:
    """Translates schemas. All methods raise `MalformedDocument` for schemas that no validator could use."""

    def __init__(self, schemas: Mapping[str, Any], *, strict: bool) -> None:
        """`strict` refuses unknown fields: see `OpenAPIRoot.schema_for`."""
        self._schemas = schemas
        self._strict = strict

    def schema(self, name: str, *, inline: bool) -> dict[str, Any]:
        """The JSON Schema of the schema `name`, with the others in `$defs`; with `inline` only recursive ones are."""
        try:
            made, references = self._reachable(name)
            _check_chains(made)
            if not inline:
                return {"$schema": DIALECT, "$ref": _pointer(name), "$defs": made}
            kept = _recursive(references)
            inlined = _Inliner(made, kept)
            root = {"$ref": _pointer(name)} if name in kept else inlined.expanded(made[name])
            defs = {item: inlined.expanded(made[item]) for item in made if item in kept}
        except RecursionError as error:
            raise MalformedDocument("its schemas are nested too deeply") from error
        return {"$schema": DIALECT, **root, **({"$defs": defs} if defs else {})}

    def _reachable(self, name: str) -> tuple[dict[str, dict[str, Any]], dict[str, set[str]]]:
        """All schemas that `name` leads to, translated, by name; and the names to which each refers."""
        made: dict[str, dict[str, Any]] = {}
        references: dict[str, set[str]] = {}
        waiting = [name]
        while waiting:
            item = waiting.pop()
            if item not in made:
                found: set[str] = set()
                made[item] = self._translated(self._schemas[item], found, closes=True)
                references[item] = found
                waiting.extend(sorted(found))
        return made, references

    def _translated(self, schema: Any, found: set[str], *, closes: bool) -> dict[str, Any]:
        """One schema as JSON Schema. Adds the names that it refers to to `found`. Not each one `closes` its object."""
        if not isinstance(schema, dict):
            raise MalformedDocument(f"a schema is {type(schema).__name__}, not an object")
        made: dict[str, Any] = {}
        for key, value in schema.items():
            if key == "$ref":
                name = self._name_of(value)
                found.add(name)
                made[key] = _pointer(name)
            elif key == "properties":
                if not isinstance(value, dict):
                    raise MalformedDocument("'properties' is not an object")
                made[key] = {name: self._translated(item, found, closes=closes) for name, item in value.items()}
            elif key in _JUNCTORS:
                if not isinstance(value, list):
                    raise MalformedDocument(f"{key!r} is not a list")
                # What is inside lists some fields of an object whose fields are all listed outside.
                made[key] = [self._translated(item, found, closes=False) for item in value]
            elif key in ("items", "not") or (key == "additionalProperties" and not isinstance(value, bool)):
                made[key] = self._translated(value, found, closes=closes and key != "not")
            elif key not in _TRANSLATED and (key, value) != ("format", _INT_OR_STRING):
                made[key] = copy.deepcopy(value)
        for end in ("Minimum", "Maximum"):
            limit = schema.get(f"exclusive{end}")
            if limit is True and end.lower() in made:
                made[f"exclusive{end}"] = made.pop(end.lower())
            elif limit is not None and not isinstance(limit, bool):
                made[f"exclusive{end}"] = limit
        if get_bool(schema, "x-kubernetes-int-or-string") or schema.get("format") == _INT_OR_STRING:
            made["type"] = ["integer", "string"]
        if self._strict and closes:
            _close(made)
        return _or_null(made) if get_bool(schema, "nullable") else made

    def _name_of(self, reference: Any) -> str:
        from urllib.parse import unquote

        if not isinstance(reference, str) or not reference.startswith(_PREFIX):
            raise MalformedDocument(f"$ref {reference!r} leads out of the document")
        name = unquote(reference[len(_PREFIX) :]).replace("~1", "/").replace("~0", "~")
        if name not in self._schemas:
            raise MalformedDocument(f"$ref {reference!r} leads nowhere")
        return name


class _Inliner:
    """Puts schemas in place of the references to them, except to those in `kept`."""

    def __init__(self, made: Mapping[str, dict[str, Any]], kept: set[str]) -> None:
        self._by_pointer = {_pointer(name): schema for name, schema in made.items() if name not in kept}
        self._nodes = 0

    def expanded(self, schema: Any) -> Any:
        """A copy without references. A reference beside other keywords stays apart from them, in `allOf`."""
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise MalformedDocument("its schemas are too large to be inlined: leave them in $defs")
        if isinstance(schema, list):
            return [self.expanded(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        reference = schema.get("$ref")
        target = self._by_pointer.get(reference) if isinstance(reference, str) else None
        if target is None:
            return {key: self.expanded(value) for key, value in schema.items()}
        others = {key: self.expanded(value) for key, value in schema.items() if key != "$ref"}
        found = self.expanded(target)
        return {**others, "allOf": [*others.get("allOf", []), found]} if others else found


def _close(made: dict[str, Any]) -> None:
    """Refuse fields that a translated schema does not list, unless it has no list or says that they are preserved."""
    preserves = made.get("x-kubernetes-preserve-unknown-fields") is True
    if "properties" not in made or "additionalProperties" in made or preserves:
        return
    if made.get("x-kubernetes-embedded-resource") is True:
        made["properties"] = {**{name: {} for name in _OF_EVERY_OBJECT}, **made["properties"]}
    has_reference = any("$ref" in item for key in _JUNCTORS for item in made.get(key, ()))
    made["unevaluatedProperties" if has_reference else "additionalProperties"] = False


def _or_null(made: dict[str, Any]) -> dict[str, Any]:
    """The schema that allows null too, which Kubernetes checks before anything else."""
    if isinstance(made.get("type"), str) and not {"enum", "not", "$ref", *_JUNCTORS} & made.keys():
        return {**made, "type": [made["type"], "null"]}
    said = {key: value for key, value in made.items() if key in _ANNOTATIONS or key.startswith("x-")}
    checked = {key: value for key, value in made.items() if key not in said}
    return {**said, "anyOf": [{"type": "null"}, checked]} if checked else made


def _pointer(name: str) -> str:
    from urllib.parse import quote

    return "#/$defs/" + quote(name.replace("~", "~0").replace("/", "~1"))


def _check_chains(made: Mapping[str, dict[str, Any]]) -> None:
    """Refuse references that lead back to themselves, or very far, without a field or a list item in between."""
    by_pointer = {_pointer(name): name for name in made}
    edges = {name: {by_pointer[pointer] for pointer in _in_place(schema)} for name, schema in made.items()}
    circle, length = _peeled(edges), 0
    if circle:
        raise MalformedDocument(f"the schema {min(circle)!r} refers to itself")
    # Each round takes the ends of all chains off.
    while edges:
        ends = {name for name, targets in edges.items() if not targets}
        edges = {name: targets - ends for name, targets in edges.items() if name not in ends}
        length += 1
        if length > _MAX_CHAIN:
            raise MalformedDocument(f"more than {_MAX_CHAIN} schemas refer to each other in a chain")


def _in_place(schema: dict[str, Any]) -> Iterable[str]:
    """The references of a translated schema that apply to the same value as the schema itself."""
    if "$ref" in schema:
        yield schema["$ref"]
    for key in (*_JUNCTORS, "not"):
        inner = schema.get(key, [])
        for item in inner if isinstance(inner, list) else [inner]:
            yield from _in_place(item)


def _recursive(references: Mapping[str, set[str]]) -> set[str]:
    """The names that refer to themselves by way of others, and those on the way between two such names."""
    forth = _peeled(references)
    back: dict[str, set[str]] = {name: set() for name in forth}
    for name, targets in forth.items():
        for target in targets:
            back[target].add(name)
    return set(_peeled(back))


def _peeled(edges: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The edges without the nodes from which no way leads into a circle."""
    sources: dict[str, list[str]] = {}
    for name, targets in edges.items():
        for target in targets:
            sources.setdefault(target, []).append(name)
    count = {name: len(targets) for name, targets in edges.items()}
    ends = [name for name, number in count.items() if not number]
    gone = set(ends)
    while ends:
        for source in sources.get(ends.pop(), ()):
            count[source] -= 1
            if not count[source]:
                gone.add(source)
                ends.append(source)
    return {name: targets - gone for name, targets in edges.items() if name not in gone}
