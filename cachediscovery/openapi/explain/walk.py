"""From a schema to that of a field, and to the list of its fields: lists and maps on the way are not seen."""

from __future__ import annotations

from ...model.fields import MalformedDocument, get_str
from . import schema as of
from .document import object_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .document import Document
    from .schema import Schema


class Field:
    """A field: its name, its schema, and the schema that has it among its properties."""

    __slots__ = ("followed", "name", "parent", "schema")

    def __init__(self, name: str, schema: Schema, parent: Schema, followed: frozenset[str]) -> None:
        self.name: str = name
        self.schema: Schema = schema
        self.parent: Schema = parent
        # The references followed on the way here from the schema whose fields are listed.
        self.followed: frozenset[str] = followed

    @property
    def is_required(self) -> bool:
        """Whether an object without this field is invalid."""
        return of.is_required(self.parent, self.name)


def find_field(
    document: Document, schema: Schema, path: Sequence[str], followed: frozenset[str] = frozenset()
) -> Field | None:
    """The field at `path`, which has at least one name, below `schema`; None if there is none.

    `followed` are the references followed since the last field.
    """
    while True:
        reference = of.reference(schema)
        if reference:
            if reference in followed:
                return None
            followed |= {reference}
            schema = document.resolved(schema)
        found = object_in(of.properties(schema), path[0])
        if found:
            return find_field(document, found, path[1:]) if path[1:] else Field(path[0], found, schema, frozenset())
        inner = of.items(schema) or of.map_values(schema)
        if not inner:
            break
        schema = inner
    branches = (find_field(document, branch, path, followed) for branch in of.all_of(schema))
    return next(filter(None, branches), None)


def fields_of(document: Document, schema: Schema, followed: frozenset[str] = frozenset()) -> Iterator[Field]:
    """The fields of `schema`, in kubectl's order. One that is in `properties` and in `allOf` comes twice.

    `followed` are the references followed on the way here: a type within itself has no fields.
    """
    reference = of.reference(schema)
    if reference:
        if reference in followed:
            return
        followed |= {reference}
        schema = document.resolved(schema)
    properties = of.properties(schema)
    for name in sorted(properties):
        if not object_in(properties, name):
            raise MalformedDocument(f"the field {name!r} has no schema")
        yield Field(name, properties[name], schema, followed)
    for part in of.parts(schema):
        yield from fields_of(document, part, followed)


def type_of(document: Document, schema: Schema) -> str:
    """The type of a field, as kubectl shows it."""
    prefix = ""
    while True:
        if not schema:
            raise MalformedDocument("a schema is empty")
        inner = of.items(schema)
        if inner:
            prefix += "[]"
        else:
            inner = of.map_values(schema)
            if inner:
                prefix += "map[string]"
            else:
                all_of = of.all_of(schema)
                if len(all_of) != 1 or of.properties(schema):
                    break
                inner = all_of[0]
        schema = inner
    reference = of.reference(schema)
    target = document.resolved(schema) if reference else schema
    named = get_str(target, "type") if target is not schema or not reference else ""
    if named and named != "object":
        return prefix + named
    return prefix + (reference.rpartition("/")[2].rpartition(".")[2] or "Object")


def text_of(document: Document, schema: Schema, followed: frozenset[str] = frozenset()) -> str:
    """The descriptions of a schema and of what it is made of, each with a line end."""
    reference = of.reference(schema)
    if reference:
        if reference in followed:
            raise MalformedDocument(f"{reference} leads to itself without a field on the way")
        followed |= {reference}
        schema = document.resolved(schema)
    own = of.description(schema)
    return (f"{own}\n" if own else "") + "".join([text_of(document, part, followed) for part in of.parts(schema)])
