from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.cli.go_yaml import go_yaml


@pytest.mark.parametrize(
    "text", ["no", "Y", "", "~", "1", "0x1F", "08", "1.5", ".5", "1e+3", "1_000", "12:30", "2001-01-01", ".inf", "<<"]
)
def test_strings_that_yaml_reads_as_another_type_are_quoted(text: str) -> None:
    assert go_yaml({"a": text}) == f'a: "{text}"\n'


@pytest.mark.parametrize("text", ["nodes", "v1", "1e3", "k8s.io", "8aSe+NMegvE=", "a/b", "nope", "x:y"])
def test_plain_strings_are_not_quoted(text: str) -> None:
    assert go_yaml({"a": text}) == f"a: {text}\n"


@given(st.dictionaries(st.text("abc", min_size=1), st.text() | st.booleans() | st.lists(st.text(), max_size=3)))
def test_a_yaml_parser_reads_the_same_value_back(value: dict[str, object]) -> None:
    assert yaml.safe_load(go_yaml(value)) == (value or None)


def test_keys_are_sorted_and_lists_are_not_indented() -> None:
    assert go_yaml({"b": [{"y": True, "x": ["1", "a"]}], "a": None, "c": []}) == (
        'a: null\nb:\n- x:\n  - "1"\n  - a\n  y: true\nc: []\n'
    )
