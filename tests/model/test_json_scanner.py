"""Values are scanned as `json` parses them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.model.json_scanner import scan, scan_members, skip_spaces

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_a_value_is_what_json_parses(value: Any, ascii_only: bool, indent: int | str | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert scan(f"  {text},", 2) == (value, len(text) + 2)


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.sampled_from([None, 1, "\t"]))
def test_the_members_of_an_object_are_visited_in_order(value: dict[str, Any], indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent)
    found = {}

    def visit(key: str, at: int) -> int:
        found[key], end = scan(text, at)
        return end

    assert scan_members(text, 0, visit) == len(text)
    assert [*found.items()] == [*value.items()]


@pytest.mark.parametrize("text", ["", "[", '{"a"', "{1:2}", '{"a":1', '{"a" 1}', '{"a":1 "b":2}', '{"a":1,}', "NaN"])
def test_what_is_not_an_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - most messages are those of the interpreter
        scan_members(text, skip_spaces(text, 0), lambda _, at: scan(text, at)[1])


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "-Infinity", '"\n"', "[1,", "tru"])
def test_what_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - most messages are those of the interpreter
        scan(text)
