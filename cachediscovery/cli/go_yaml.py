"""YAML in kubectl's format (sigs.k8s.io/yaml over go-yaml v2): keys sorted, strings quoted by Go's rules."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

# Words that YAML 1.1 parsers do not read as strings.
_WORDS = frozenset(
    word
    for lower in ("y", "n", "yes", "no", "true", "false", "on", "off", "null")
    for word in (lower, lower.capitalize(), lower.upper())
) | {
    "",
    "~",
    "<<",
    *(sign + inf for sign in ("", "+", "-") for inf in (".inf", ".Inf", ".INF")),
    ".nan",
    ".NaN",
    ".NAN",
}
_NUMBER = re.compile(
    r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[0-9]+|[0-9]*\.?[0-9]+(?:[eE][-+][0-9]+)?|[0-9]+\.)"
)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")
# Strings that never need quotes. PyYAML writes all others: its emitter matches libyaml, like Go's.
_PLAIN = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_/.+=-]*")


def go_yaml(value: Mapping[str, Any], indent: str = "") -> str:
    """Return a mapping of strings, booleans, lists of strings and lists of mappings as YAML text."""
    lines = []
    for key in sorted(value):
        item = value[key]
        if isinstance(item, list):
            lines.append(f"{indent}{key}: []" if not item else f"{indent}{key}:")
            lines += [_entry(entry, indent) for entry in item]
        else:
            lines.append(f"{indent}{key}: {_scalar(item)}")
    return "\n".join(lines) + "\n"


def go_yaml_list(values: Sequence[Mapping[str, Any]]) -> str:
    """Return a list of mappings as YAML text."""
    return "".join(f"{_entry(value, '')}\n" for value in values) or "[]\n"


def _entry(entry: Any, indent: str) -> str:
    if isinstance(entry, dict):
        return f"{indent}- {go_yaml(entry, indent + '  ').rstrip().lstrip(' ')}"
    return f"{indent}- {_scalar(entry)}"


def _scalar(value: str | bool | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if _is_something_else(value):
        return f'"{value}"'
    if _PLAIN.fullmatch(value):
        return value
    import yaml

    style = None if value.isprintable() else '"'
    text = yaml.dump(value, default_style=style, allow_unicode=True, width=1 << 30)
    return text.removesuffix("...\n").rstrip("\n")


def _is_something_else(value: str) -> bool:
    return (
        value in _WORDS
        or _NUMBER.fullmatch(value.replace("_", "")) is not None
        or _BASE_60.fullmatch(value) is not None
        or _TIMESTAMP.fullmatch(value) is not None
    )
