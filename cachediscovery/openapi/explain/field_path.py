"""The argument of `explain`: a resource and the path of a field, in the notation of client-go's JSONPath."""

from __future__ import annotations

from .nodes import FIELD, RECURSIVE, TERMINATORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .nodes import Node

# Characters with a meaning, beside the dot.
_SPECIAL = TERMINATORS - {"."} | {"\\", "*"}


def parse_path(text: str) -> list[Node]:
    """The nodes of the expression `{.text}`, at least one; a dot at the end is dropped. Raises `ExplainError`."""
    text = text.removesuffix(".")
    names = text.split(".")
    if _SPECIAL.isdisjoint(text):
        if "" not in names:
            return [(FIELD, name) for name in names]
        # What follows a resource: its dot and the one that is put before it are a node of their own.
        if "" not in names[1:] and text[1:2].isascii() and text[1:2].isalnum():
            return [(RECURSIVE, ""), *((FIELD, name) for name in names[1:])]
    from .jsonpath import parse_expression

    return parse_expression(f"{{.{text}}}")


def escaped(name: str) -> str:
    """A field's name as it is written in a path."""
    if _SPECIAL.isdisjoint(name) and "." not in name:
        return name
    return "".join([f"\\{each}" if each in TERMINATORS or each == "*" else each for each in name])
