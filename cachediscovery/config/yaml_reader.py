"""`read_yaml`: reads YAML like kubectl, whose reader is Go's sigs.k8s.io/yaml over go-yaml v2.

| | PyYAML's own loaders | kubectl, and here |
|---|---|---|
| several documents | an error | the first is read |
| `2026-11-23`, `1:30` | a date, 90 | strings |
| `y`, `1e3`, `0o17` | strings | true, numbers |
| `!unknown`, `!!python/…` | an error | the tag is ignored |
| keys that are numbers or booleans | as they are | strings |
"""

from __future__ import annotations

import base64
import math
import re

import yaml

from ..model.fields import MalformedDocument
from ..model.redact import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from yaml import SafeLoader as Loader
else:
    Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
# The tag of a scalar without quotes and without a tag.
_PLAIN = "plain"
_BOOLEANS = {
    spelled: value
    for value, words in ((True, ("y", "yes", "true", "on")), (False, ("n", "no", "false", "off")))
    for word in words
    for spelled in (word, word.capitalize(), word.upper())
}
_NULLS = ("", "~", "null", "Null", "NULL")
_INFINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")


def read_yaml(data: bytes) -> Any:
    """Read the first document, as dicts with string keys, lists, strings, numbers, booleans and None.

    Raises `MalformedDocument`. Its message does not quote `data`.
    """
    return next((value for _, value in read_yaml_documents(data)), None)


def read_yaml_documents(data: bytes) -> Iterator[tuple[int, Any]]:
    """Read all documents, each with its first line. Raises `MalformedDocument` after those before the wrong one."""
    try:
        loader = _Loader(data)
        while loader.check_node():
            node = loader.get_node()
            assert node is not None
            yield node.start_mark.line + 1, loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        # Leave out the excerpt and the alias: either may be part of a secret.
        problem = (error.problem or error.context or "").partition(" alias ")[0]
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise MalformedDocument(f"not YAML: {one_line(problem)}{where}") from None
    except yaml.reader.ReaderError as error:
        line = data.count(b"\n", 0, error.position) + 1
        raise MalformedDocument(f"not YAML: {one_line(error.reason)} in line {line}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise MalformedDocument(f"not YAML: {one_line(error)}") from None


class _Loader(Loader):
    """Constructs the value that kubectl would, for any tag."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0]:
            return _MERGE if value == "<<" else _PLAIN
        return super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]

    def construct_any(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            try:
                return _scalar(node.tag, node.value)
            except ValueError as error:
                raise yaml.MarkedYAMLError(None, None, str(error), node.start_mark) from None
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, value = self._made(key_node), self._made(value_node)
            if key_node.tag == _MERGE:
                # As in Go, a merge replaces keys before it. In a list of sources the first has precedence.
                for source in reversed(value if isinstance(value, list) else [value]):
                    if not isinstance(source, dict):
                        raise yaml.MarkedYAMLError(None, None, "only a mapping can be merged", key_node.start_mark)
                    made.update(source)
            else:
                made[_key(key)] = value
        return made

    def _made(self, node: yaml.Node) -> Any:
        return self.construct_object(node, deep=True)


_Loader.yaml_constructors = {None: _Loader.construct_any}
_Loader.yaml_multi_constructors = {}


def _scalar(tag: str, text: str) -> Any:
    """The value of a scalar. Raises `ValueError` if it does not match its tag."""
    if tag == _PLAIN:
        return None if text in _NULLS else _BOOLEANS[text] if text in _BOOLEANS else _number(text)
    name = tag.removeprefix(_TAG) if tag.startswith(_TAG) else ""
    if name == "binary":
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
    if name == "bool" and text in _BOOLEANS:
        return _BOOLEANS[text]
    if name == "null" and text in _NULLS:
        return None
    if name in ("int", "float") and not isinstance(_number(text), str):
        return _number(text)
    if name == "timestamp" and _DATE.fullmatch(text):
        return text
    if name in ("bool", "null", "int", "float", "timestamp", "map", "seq", "set", "omap", "pairs"):
        raise ValueError(f"a value is not a !!{name}, as its tag says")
    return text


def _number(text: str) -> int | float | str:
    """The number in a plain scalar; the text itself if it is not a number."""
    infinite = _INFINITE.fullmatch(text)
    if infinite is not None:
        return math.nan if infinite[1] is None else -math.inf if infinite[1] == "-" else math.inf
    plain = text if text.startswith(".") else text.replace("_", "")
    if text.startswith("_") or _FLOAT.match(plain) is None:
        return text
    integer = _INTEGER.fullmatch(plain)
    if integer is not None:
        sign, hexadecimal, binary, octal, decimal = integer.groups()
        digits, base = next(
            (found, base)
            for found, base in zip((hexadecimal, binary, octal, decimal), (16, 2, 8, 10), strict=True)
            if found
        )
        # Integers have at most 64 bits; never parse thousands of digits.
        if len(digits) <= 64 and int(digits, base) < 1 << (63 if sign else 64):
            return int(sign + digits, base)
    number = float(plain) if _FLOAT.fullmatch(plain) is not None else math.inf
    return number if math.isfinite(number) else text


def _key(key: object) -> str:
    """A key as sigs.k8s.io/yaml writes it into JSON."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float):
        return f"{key:.6g}".replace("inf", ".inf").replace("nan", ".nan")
    if isinstance(key, int):
        return str(key)
    raise ValueError("a key is not a string")
