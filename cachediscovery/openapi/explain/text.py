"""The text of `explain`, byte for byte kubectl's (`-o plaintext`)."""

from __future__ import annotations

from ...model.fields import MalformedDocument, get_object, get_str
from . import schema as of
from .go_text import printed
from .walk import fields_of, text_of, type_of
from .word_wrap import indent, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .document import Document
    from .schema import Schema
    from .walk import Field

_WIDTH = 76
_MARGIN = 4
# The values of an enum that are shown in a list of fields.
_SHOWN_VALUES = 4
# More lines than the largest real types have.
_MAX_FIELDS = 1_000_000


def header(kind: Mapping[str, Any]) -> str:
    """The lines above the text: group, kind and version."""
    group = get_str(kind, "group")
    lines = [f"GROUP:      {group}\n"] if group else []
    return "".join([*lines, f"KIND:       {get_str(kind, 'kind')}\nVERSION:    {get_str(kind, 'version')}\n\n"])


def explanation(
    document: Document, schema: Schema, field: Field | None, *, recursive: bool = False, max_depth: int = 0
) -> str:
    """The text below the header: of `schema`, or of one of its fields."""
    parts = []
    if field is not None:
        schema = field.schema
        values = of.enum(schema)
        parts += [f"FIELD: {field.name} <{type_of(document, schema)}>\n", "ENUM:" if values else ""]
        parts += [f"\n{' ' * _MARGIN}{_value(value)}" for value in values]
        parts.append("\n\n")
    schema = document.resolved(schema)
    description = wrap(text_of(document, schema) or "<empty>", _WIDTH)
    parts += ["DESCRIPTION:\n", indent(description, _MARGIN), "\n", *_external_docs(schema, 0)]
    fields = _Fields(document, recursive, max_depth)
    fields.add(schema, 1, frozenset())
    if fields.parts:
        parts += ["FIELDS:\n", *fields.parts]
    return "".join([*parts, "\n"])


class _Fields:
    """The list of the fields of a schema, with those below them if it is `recursive`."""

    def __init__(self, document: Document, recursive: bool, max_depth: int) -> None:
        self._document = document
        self._recursive = recursive
        self._max_depth = max_depth
        self.parts: list[str] = []

    def add(self, schema: Schema, level: int, followed: frozenset[str]) -> None:
        """Add the fields of `schema`, which are at `level`."""
        if len(self.parts) > _MAX_FIELDS:
            raise MalformedDocument("its types contain each other too many times")
        margin = "  " * level
        is_deeper = self._recursive and (not self._max_depth or level < self._max_depth)
        for field in fields_of(self._document, schema, followed):
            required = " -required-" if field.is_required else ""
            self.parts.append(f"{margin}{field.name}\t<{type_of(self._document, field.schema)}>{required}\n")
            values = of.enum(field.schema)
            if values:
                shown = [*map(_value, values[:_SHOWN_VALUES]), *(["...."] if len(values) > _SHOWN_VALUES else [])]
                self.parts.append(f"{margin}enum: {', '.join(shown)}\n")
            if not self._recursive:
                self._describe(field.schema)
            elif is_deeper:
                self.add(field.schema, level + 1, field.followed)

    def _describe(self, schema: Schema) -> None:
        description = wrap(of.description(schema) or "<no description>", _WIDTH)
        self.parts += [indent(description, _MARGIN), "\n", *_external_docs(schema, _MARGIN), "\n"]


def _external_docs(schema: Schema, margin: int) -> list[str]:
    """The lines about documentation elsewhere, below a description that is indented by `margin`."""
    docs = get_object(schema, "externalDocs")
    if not docs:
        return []
    parts = ["\n", indent("EXTERNAL DOCS:", margin), "\n"]
    # kubectl indents what is below by two more for a field, by four for the whole.
    inner, width = (margin + 2, _WIDTH - 2) if margin else (_MARGIN, _WIDTH)
    description, url = get_str(docs, "description"), get_str(docs, "url")
    if description:
        parts += [indent(wrap(description, width), inner), "\n"]
    if url:
        parts += [indent(f"URL: {url}", inner), "\n"]
    return parts


def _value(value: Any) -> str:
    return '""' if value == "" else printed(value)
