"""Indented JSON with the bytes of Go's `encoding/json`. Plain text needs no import of `json`.

Importing `json` takes two thirds of the start of a bare interpreter, and its C encoder does not indent.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def json_text(value: Any, indent: int) -> str:
    """Return `value` as JSON indented by `indent` spaces. It holds dicts, lists, strings, numbers, booleans and None.

    A list that occurs many times in `value` is encoded once.
    """
    written: dict[tuple[int, str], str] = {}

    def write(value: Any, line: str) -> str:
        if isinstance(value, str):
            return quoted(value)
        if isinstance(value, list):
            known = written.get((id(value), line))
            if known is None:
                deeper = line + " " * indent
                items = ",".join([deeper + write(item, deeper) for item in value])
                known = written[id(value), line] = f"[{items}{line}]" if value else "[]"
            return known
        if isinstance(value, dict):
            deeper = line + " " * indent
            pairs = ",".join([f"{deeper}{quoted(key)}: {write(item, deeper)}" for key, item in value.items()])
            return f"{{{pairs}{line}}}" if value else "{}"
        return _CONSTANTS[value] if value is None or isinstance(value, bool) else repr(value)

    return write(value, "\n")


def quoted(text: str) -> str:
    """Return `text` as a JSON string."""
    if text.isascii() and text.isprintable() and _SPECIAL.isdisjoint(text):
        return f'"{text}"'
    from ..model.documents import go_json

    return go_json(text)


_CONSTANTS = {None: "null", True: "true", False: "false"}
# Escaped in JSON, or by Go for use in HTML.
_SPECIAL = frozenset('"\\&<>')
