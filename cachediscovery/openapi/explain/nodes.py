"""The nodes of a JSONPath expression: `explain` takes those that are fields."""

from __future__ import annotations

from .errors import ExplainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    # The kind of a node, and the name of a field.
    Node: TypeAlias = tuple[str, str]

FIELD, RECURSIVE, OTHER = "field", "recursive", "other"
# Characters that end a field, unless a backslash precedes them.
TERMINATORS = frozenset(" \t\r\n.,[]$@{}")
NOT_FIRST = "invalid jsonpath syntax, first node must be field node"
NOT_ALL = "invalid jsonpath syntax, all nodes must be field nodes"


def first_name(nodes: Sequence[Node]) -> str:
    """The first node's name. Raises `ExplainError` if it is not a field."""
    return field_names(nodes[:1], NOT_FIRST)[0]


def field_names(nodes: Sequence[Node], message: str) -> list[str]:
    """The names of the nodes. Raises `ExplainError` with `message` if one is not a field."""
    if any(kind != FIELD for kind, _ in nodes):
        raise ExplainError(message)
    return [name for _, name in nodes]
