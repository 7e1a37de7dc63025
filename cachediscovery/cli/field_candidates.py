"""Completion candidates for the argument of `explain`. They come from the cache: no request is made."""

from __future__ import annotations

from ..model.fields import MalformedDocument
from ..openapi.explain import schema as of
from ..openapi.explain.errors import ExplainError
from ..openapi.explain.field_path import escaped
from ..openapi.explain.walk import fields_of, find_field
from ..restmapper.explain_rules import SECTIONS, Resources
from .openapi_documents import OpenAPIDocuments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..openapi.explain.document import Document
    from ..openapi.explain.schema import Schema
    from ..restmapper.explain_rules import Resource
    from .session import Session

# No shell shows more of a description.
_MAX_DESCRIPTION = 200


class FieldCandidates:
    """The candidates of one session."""

    def __init__(self, session: Session, api_version: str) -> None:
        self._session = session
        self._api_version = api_version
        self._documents = OpenAPIDocuments(session, expired=True)
        self._resources: Resources | None = None
        self._found: dict[Resource, tuple[Document, Schema] | None] = {}

    def completing(self, word: str, resources: Iterable[str]) -> dict[str, str]:
        """The arguments that begin with `word`, with descriptions. `resources` are the names of resources.

        A single one that has fields comes with and without a dot, so that no shell adds a space. If it is `word`
        itself, its fields come in its place, so that every shell adds the dot.
        """
        found = dict.fromkeys(resources, "") | self.below(_parent(word))
        found = {name: text for name, text in found.items() if name.startswith(word)}
        if len(found) == 1:
            ((name, text),) = found.items()
            fields = self.below(name)
            if fields:
                return fields if name == word else {name: text, f"{name}.": text}
        return found

    def below(self, argument: str) -> dict[str, str]:
        """The arguments for the fields of what `argument` stands for, with their descriptions."""
        if not argument:
            return {}
        try:
            resource, path = self._look(argument)
            if resource not in self._found:
                self._found[resource] = self._schema_of(resource)
            found = self._found[resource]
            if found is None:
                return {}
            document, schema = found
            if path:
                field = find_field(document, schema, path)
                if field is None:
                    return {}
                schema = field.schema
            fields = fields_of(document, schema)
            return {f"{argument}.{escaped(field.name)}": _summary(of.description(field.schema)) for field in fields}
        except (ExplainError, MalformedDocument, RecursionError):
            return {}

    def finish(self) -> None:
        """Call at the end: write the tables that speed up the next run."""
        self._documents.finish()

    def _look(self, argument: str) -> tuple[Resource, list[str]]:
        if self._resources is None:
            index = self._session.index(SECTIONS, expired=True)
            if index is not None:
                self._resources = Resources.of_index(index, _ignore)
            else:
                from .explained_resources import resources_of

                self._resources = resources_of(self._session.cached_documents(), _ignore)
        if self._api_version:
            return self._resources.explained_as(argument, self._api_version)
        return self._resources.explained(argument)

    def _schema_of(self, resource: Resource) -> tuple[Document, Schema] | None:
        document = self._documents.cached(*resource[:2])
        schema = document.schema_of(document.kind_of(*resource)) if document is not None else None
        return (document, schema) if document is not None and schema is not None else None


def _parent(word: str) -> str:
    """What is before the last dot of a field path that no backslash precedes; "" without one."""
    at = len(word)
    while (at := word.rfind(".", 0, at)) >= 0:
        parent = word[:at]
        if (at - len(parent.rstrip("\\"))) % 2 == 0:
            return parent
    return ""


def _summary(description: str) -> str:
    """The first sentence of a description, in one line."""
    text = " ".join(description[: 2 * _MAX_DESCRIPTION].split())
    sentence, dot, _ = text.partition(". ")
    return "".join(filter(str.isprintable, f"{sentence}{dot.rstrip()}"[:_MAX_DESCRIPTION]))


def _ignore(_: str) -> None:
    """A warning: completion shows none."""
