from __future__ import annotations

import ast
from pathlib import Path

import pytest

import cachediscovery


def test_every_public_name_can_be_imported_and_is_visible_to_type_checkers() -> None:
    source = ast.parse(Path(cachediscovery.__file__).read_text())
    typed = {
        (alias.name, node.module)
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names
    }
    assert typed == {(name, module.lstrip(".")) for name, module in cachediscovery._MODULES.items()}
    for name in cachediscovery.__all__:
        assert getattr(cachediscovery, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cachediscovery.nothing  # noqa: B018


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    package = Path(cachediscovery.__file__).parent
    assert [path.name for path in package.rglob("*.py") if len(path.read_text().splitlines()) > 300] == []
