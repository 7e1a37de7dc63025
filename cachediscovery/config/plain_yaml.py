"""The YAML of ordinary kubeconfigs, read without PyYAML, whose import takes longer than an interpreter takes to start.

Block mappings and sequences with scalars of one line, as kubectl, kind and the clouds' tools write them. Whatever is
not plain (an anchor, a tag, a flow, an escape, a text of several lines, a number, a letter beyond ASCII) is left to
PyYAML: what is read here is what PyYAML would have read.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_OF_KEYS = _LETTERS | _DIGITS | frozenset("-_./")
# None of these is in a number or a date, however it is written.
_OF_WORDS = _LETTERS - frozenset("abcdefotxzABCDEFOTXZ")
_MAX_KEY = 128
_CONSTANTS = {"true": True, "false": False, "null": None}
# In some letter case, for some reader, these are no texts.
_RESERVED = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


class NotPlainError(Exception):
    """This YAML is for PyYAML to read."""


def parse_plain_yaml(data: bytes) -> Any:
    """The mappings, lists, texts, booleans and nulls of a plain document. Raises `NotPlainError`."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise NotPlainError from None
    # No tab, no carriage return, nothing that a terminal would obey.
    if not text.replace("\n", "").isprintable():
        raise NotPlainError
    reader = _Reader(text)
    try:
        return reader.document()
    except RecursionError:
        raise NotPlainError from None


class _Reader:
    """Lines with a meaning, each as its indentation and its text, read from the first to the last."""

    def __init__(self, text: str) -> None:
        self._lines: list[tuple[int, str]] = []
        for line in text.split("\n"):
            stripped = line.strip(" ")
            if stripped and not stripped.startswith("#"):
                self._lines.append((len(line) - len(line.lstrip(" ")), stripped))
        self._at = 0
        if self._lines[:1] == [(0, "---")]:
            self._at = 1

    def document(self) -> Any:
        indent, _ = self._next()
        found = self._block(indent)
        if self._at < len(self._lines):
            raise NotPlainError
        return found

    def _next(self) -> tuple[int, str]:
        """The indentation and the text of the line that is to be read; -1 after the last."""
        return self._lines[self._at] if self._at < len(self._lines) else (-1, "")

    def _block(self, indent: int) -> Any:
        """The mapping or the sequence whose lines have this indentation."""
        return self._sequence(indent) if _is_item(self._next()[1]) else self._mapping(indent)

    def _mapping(self, indent: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            here, line = self._next()
            if here < indent:
                break
            key, colon, rest = line.partition(":")
            if here > indent or not colon or (rest and rest[0] != " ") or not _is_key(key):
                raise NotPlainError
            self._at += 1
            found[key] = self._value(rest.strip(" "), indent)
        return found

    def _sequence(self, indent: int) -> list[Any]:
        found: list[Any] = []
        while True:
            here, line = self._next()
            if here != indent or not _is_item(line):
                break
            rest = line[1:].lstrip(" ")
            if not rest or _is_item(rest):
                raise NotPlainError
            if _begins_mapping(rest):
                # What stands behind the dash is the first line of a block of its own.
                inner = indent + len(line) - len(rest)
                self._lines[self._at] = (inner, rest)
                found.append(self._mapping(inner))
            else:
                self._at += 1
                found.append(self._value(rest, indent))
        return found

    def _value(self, rest: str, indent: int) -> Any:
        """What stands behind a key, or a dash, in the same line, or, behind a key, in the lines below it."""
        below, line = self._next()
        if rest:
            # A deeper line would go on with the text of this one.
            if below > indent:
                raise NotPlainError
            return _scalar(rest)
        if below > indent or (below == indent and _is_item(line)):
            return self._block(below)
        return None


def _is_item(line: str) -> bool:
    return line == "-" or line.startswith("- ")


def _begins_mapping(rest: str) -> bool:
    key, colon, value = rest.partition(":")
    return bool(colon) and (not value or value[0] == " ") and _is_key(key)


def _is_key(key: str) -> bool:
    return 0 < len(key) <= _MAX_KEY and key[0] in _LETTERS and _OF_KEYS.issuperset(key) and key.lower() not in _RESERVED


def _scalar(text: str) -> Any:
    first, last = text[0], text[-1]
    if first in "'\"":
        inner = text[1:-1]
        if len(text) < 2 or last != first or first in inner or (first == '"' and "\\" in inner):
            raise NotPlainError
        return inner
    if text in ("{}", "[]"):
        return {} if text == "{}" else []
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if first == "-":
        # A flag, among the arguments of an exec plugin.
        begins_well = text.lstrip("-")[:1] in _LETTERS
    else:
        begins_well = first in _LETTERS or first == "/" or (first in _DIGITS and not _OF_WORDS.isdisjoint(text))
    if not begins_well or last == ":" or ": " in text or " #" in text or text.lower() in _RESERVED:
        raise NotPlainError
    return text
