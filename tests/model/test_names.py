from __future__ import annotations

import os.path
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.model.names import is_group_name, is_version_name


@pytest.mark.parametrize("name", ["apps", "metrics.k8s.io", "a-b.example", "x" * 63, "0.example"])
def test_a_name_accepted_by_an_api_server_is_a_group_name(name: str) -> None:
    assert is_group_name(name)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../../x", "/etc/x", "a/b/c", "a\\b", "a..b", ".a", "a.", "a\n", "a\x00", "a b", "é", "a" * 254],
)
def test_a_name_that_could_be_a_path_is_not_a_group_name(name: str) -> None:
    assert not is_group_name(name)


@pytest.mark.parametrize("name", ["", "..", "v1/x", "v1.json", "v1\n", "\x1b[2J"])
def test_a_name_that_could_be_a_path_is_not_a_version_name(name: str) -> None:
    assert not is_version_name(name)


@given(st.text())
def test_an_accepted_name_is_a_single_plain_path_component(name: str) -> None:
    if is_group_name(name) or is_version_name(name):
        assert os.path.normpath(os.path.join("/cache", name)) == f"/cache/{name}"
        assert name.isascii()
        assert name.isprintable()


_LABEL = r"[A-Za-z0-9](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9])?"


@given(st.from_regex(r"[-_.a-zA-Z0-9é]{0,8}", fullmatch=True) | st.text("a-_.", min_size=60, max_size=66))
def test_name_checks_agree_with_the_regular_expressions(name: str) -> None:
    assert is_version_name(name) == bool(re.fullmatch(_LABEL, name))
    assert is_group_name(name) == bool(re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", name))
