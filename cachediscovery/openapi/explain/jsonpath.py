"""The scanner of client-go's JSONPath (`k8s.io/client-go/util/jsonpath`): which kinds of nodes an expression has.

What the nodes hold is checked as there, but only the names of fields are kept: `explain` refuses all other nodes.
"""

from __future__ import annotations

import re
from unicodedata import category

from .errors import ExplainError
from .go_text import is_printable
from .nodes import FIELD, OTHER, RECURSIVE, TERMINATORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .nodes import Node

_INTEGERS = re.compile(r"(-?[0-9]*)(:-?[0-9]*)?(:-?[0-9]*)?")
_QUOTED_NAME = re.compile(r"'([^']*)'")
_COMPARISON = re.compile(r"([^!<>=]+)[!<>=]+(.+)")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
_ESCAPE = re.compile(r"\\(?:[abfnrtv\\]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3})")
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)
# The digits of a 64-bit number, with its sign.
_MAX_DIGITS = 20


def parse_expression(text: str) -> list[Node]:
    """The nodes in the braces of `text`, which may hold one pair of them and nothing else. Raises `ExplainError`."""
    parts = _parse(text)
    if len(parts) != 1:
        raise ExplainError("must pass in 1 jsonpath string")
    return parts[0]


def _parse(text: str) -> list[list[Node]]:
    """The nodes of each pair of braces; none of text outside of them."""
    parts: list[list[Node]] = []
    at = 0
    while at < len(text):
        begin = text.find("{", at)
        if begin != at:
            parts.append([])
        if begin < 0:
            break
        action = _Action(text, begin + 1)
        parts.append(action.nodes)
        at = action.at
    return parts


def _nodes_of(text: str) -> list[Node]:
    """The nodes of an expression within another one. What follows its closing brace is parsed, and dropped."""
    return _parse(f"{{{text}}}")[0]


class _Action:
    """The nodes between two braces of `text`, from `at` on. After that `at` is behind the closing one."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.nodes: list[Node] = []
        while not text.startswith("}", self.at):
            self._node()
        self.at += 1

    def _node(self) -> None:
        text = self.text
        character = text[self.at : self.at + 1]
        if text.startswith("[?(", self.at):
            self._filter()
        elif text.startswith("..", self.at):
            if self.nodes and self.nodes[-1][0] == RECURSIVE:
                raise ExplainError("invalid multiple recursive descent")
            self.nodes.append((RECURSIVE, ""))
            self.at += 2
            if _is_word(text[self.at : self.at + 1]):
                self._field()
        elif character in ("", "\r", "\n"):
            raise ExplainError("unclosed action")
        elif character in " @$":
            self.at += 1
        elif character == "[":
            self._array()
        elif character in "\"'":
            self._string(character)
        elif character == ".":
            self.at += 1
            self._field()
        elif character in "+-" or category(character) == "Nd":
            self._number()
        elif _is_word(character):
            while self.at < len(text) and text[self.at] not in TERMINATORS:
                self.at += 1
            self.nodes.append((OTHER, ""))
        else:
            shown = f" '{character}'" if is_printable(character) else ""
            raise ExplainError(f"unrecognized character in action: U+{ord(character):04X}{shown}")

    def _field(self) -> None:
        begin, text = self.at, self.text
        while self.at < len(text) and text[self.at] not in TERMINATORS:
            self.at += 2 if text[self.at] == "\\" else 1
        name = text[begin : self.at]
        self.at = min(self.at, len(text))
        self.nodes.append((OTHER, "") if name == "*" else (FIELD, name.replace("\\", "")))

    def _string(self, quote: str) -> None:
        begin, text = self.at, self.text
        while True:
            self.at += 1
            if text[self.at : self.at + 1] in ("", "\n"):
                raise ExplainError("unterminated quoted string")
            if text[self.at] == quote and text[self.at - 1] != "\\":
                break
        self.at += 1
        _check_literal(text[begin : self.at])
        self.nodes.append((OTHER, ""))

    def _number(self) -> None:
        begin, text = self.at, self.text
        self.at += 1
        while self.at < len(text) and (text[self.at] == "." or category(text[self.at]) == "Nd"):
            self.at += 1
        if not _NUMBER.fullmatch(text[begin : self.at]):
            raise ExplainError(f"cannot parse number {text[begin : self.at]}")
        self.nodes.append((OTHER, ""))

    def _array(self) -> None:
        begin, text = self.at, self.text
        end = text.find("]", begin)
        if end < 0 or "\n" in text[begin:end]:
            raise ExplainError("unterminated array")
        self.at = end + 1
        inside = text[begin + 1 : end]
        if "," in inside:
            for part in inside.split(","):
                _nodes_of(f"[{part.strip(' ')}]")
        elif name := _QUOTED_NAME.fullmatch(inside):
            self.nodes += _nodes_of(f".{name[1]}")
            return
        elif inside != "*":
            _check_integers(inside)
        self.nodes.append((OTHER, ""))

    def _filter(self) -> None:
        text = self.text
        begin = self.at = self.at + 3
        quote = ""
        is_closed = False
        while True:
            character = text[self.at : self.at + 1]
            if character in ("", "\n"):
                raise ExplainError("unterminated filter")
            self.at += 1
            if character in "\"'":
                if not quote:
                    quote = character
                elif text[self.at - 2] != "\\" and character == quote:
                    is_closed = True
            elif character == ")" and is_closed == bool(quote):
                break
        if not text.startswith("]", self.at):
            raise ExplainError("unclosed array expect ]")
        condition = text[begin : self.at - 1]
        self.at += 1
        compared = _COMPARISON.fullmatch(condition)
        for part in compared.groups() if compared else (condition,):
            _nodes_of(part)
        self.nodes.append((OTHER, ""))


def _is_word(character: str) -> bool:
    return character == "_" or (character != "" and (category(character)[0] == "L" or category(character) == "Nd"))


def _check_integers(text: str) -> None:
    """Raise `ExplainError` unless `text` is up to three integers, each of which may be left out, with ":" between."""
    found = _INTEGERS.fullmatch(text)
    if found is None:
        raise ExplainError(f"invalid array index {text}")
    for part in found.groups(""):
        number = part.removeprefix(":")
        if number == "-" or len(number) > _MAX_DIGITS or (number and not -(2**63) <= int(number) < 2**63):
            raise ExplainError(f"array index {number} is not a number")


def _check_literal(literal: str) -> None:
    """Raise `ExplainError` unless `literal`, with its quotes, is a string in Go."""
    quote, text = literal[0], literal[1:-1]
    at = 0
    while at < len(text):
        length = 1 if text[at] not in (quote, "\\") else _length_of_escape(text, at, quote)
        if not length:
            raise ExplainError(f"unquote string {literal} error invalid syntax")
        at += length


def _length_of_escape(text: str, at: int, quote: str) -> int:
    """The length of the escape at `at`; 0 if there is none that is valid."""
    if text.startswith(f"\\{quote}", at):
        return 2
    found = _ESCAPE.match(text, at)
    if found is None:
        return 0
    kind = found[0][1]
    if kind in "uU":
        code = int(found[0][2:], 16)
        return 0 if code > _LAST_CHARACTER or code in _SURROGATES else len(found[0])
    # Three octal digits are one byte.
    return 0 if kind in "4567" else len(found[0])
