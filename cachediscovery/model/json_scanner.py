"""JSON values at a place in a text, parsed without the import of `json`.

That import takes two thirds of the start of a bare interpreter, most of it for regular expressions that only its
decoder written in Python uses. The scanner of its decoder written in C needs none of that.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Scan = Callable[[str, int], tuple[Any, int]]

_SPACES = " \t\n\r"


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


class _Settings:
    """The attributes of a `json.JSONDecoder` that its scanner reads."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse)


def _made() -> Scan:
    try:
        scanner: Any = __import__("_json")
        made: Scan = scanner.make_scanner(_Settings())
    except (ImportError, AttributeError, TypeError):
        # Another implementation of Python, or a later one.
        import json

        return json.JSONDecoder(parse_constant=_refuse).raw_decode
    return made


_scan = _made()


def scan(text: str, at: int = 0) -> tuple[Any, int]:
    """The JSON value that begins at `at`, and where it ends. Raises `ValueError`, or `RecursionError` if it is deep."""
    try:
        return _scan(text, at)
    except StopIteration:
        raise ValueError("a JSON value is missing") from None


def scan_members(text: str, at: int, visit: Callable[[str, int], int]) -> int:
    """Where the JSON object that begins at `at` ends. `visit` gets each key, and where its value begins; it returns
    where that ends. Raises `ValueError`.
    """
    if text[at : at + 1] != "{":
        raise ValueError("an object is missing")
    at = skip_spaces(text, at + 1)
    if text[at : at + 1] == "}":
        return at + 1
    while True:
        if text[at : at + 1] != '"':
            raise ValueError("a key is missing")
        key, at = scan(text, at)
        at = skip_spaces(text, at)
        if text[at : at + 1] != ":":
            raise ValueError("a value is missing")
        at = skip_spaces(text, visit(key, skip_spaces(text, at + 1)))
        end = text[at : at + 1]
        at = skip_spaces(text, at + 1)
        if end == "}":
            return at
        if end != ",":
            raise ValueError("an object has no end")


def skip_spaces(text: str, at: int) -> int:
    """The place of the first character from `at` on that is no white space of JSON."""
    while at < len(text) and text[at] in _SPACES:
        at += 1
    return at
