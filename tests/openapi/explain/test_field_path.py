"""The notation of the argument of `explain`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.openapi.explain.errors import ExplainError
from cachediscovery.openapi.explain.field_path import escaped, parse_path
from cachediscovery.openapi.explain.nodes import FIELD


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("pods", ["pods"]),
        ("pods.", ["pods"]),
        ("pods.spec", ["pods", "spec"]),
        (r"shapes.spec.with\.dots", ["shapes", "spec", "with.dots"]),
        (r"shapes.with\ space", ["shapes", "with space"]),
        ("pods['spec']", ["pods", "spec"]),
        ("pods['spec.nodeName']", ["pods", "spec", "nodeName"]),
        ("pods@.spec", ["pods", "spec"]),
        ("pods.spec ", ["pods", "spec"]),
    ],
)
def test_a_path_has_these_fields(text: str, names: list[str]) -> None:
    assert parse_path(text) == [(FIELD, name) for name in names]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pods[", "unterminated array"),
        ("pods[x]", "invalid array index x"),
        ("pods[?(x)", "unclosed array expect ]"),
        ("pods,", "unrecognized character in action: U+002C ','"),
        ("pods....spec", "invalid multiple recursive descent"),
        ("pods}x", "must pass in 1 jsonpath string"),
        ("pods\n", "unclosed action"),
    ],
)
def test_an_invalid_path_is_refused_as_client_go_refuses_it(text: str, message: str) -> None:
    with pytest.raises(ExplainError) as caught:
        parse_path(text)
    assert str(caught.value) == message


@given(st.lists(st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_escaped_names_are_read_back(names: list[str]) -> None:
    assert parse_path(".".join(map(escaped, names)) + ".") == [(FIELD, name) for name in names]


@given(st.text(st.sampled_from("ab.[]'\"\\{}()?*,:@$ -+1\n=<é")))
def test_any_path_is_read_or_refused(text: str) -> None:
    try:
        assert parse_path(text)
    except ExplainError as error:
        assert str(error)
