"""Calls that wait for a module to be imported."""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from cachediscovery.integrations.on_import import when_imported

NAME = "waited_for"


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


def waiting() -> list[Any]:
    calls: list[Any] = []
    when_imported({f"{NAME}.inner": lambda: calls.append(sys.modules[f"{NAME}.inner"].done)})
    return calls


@pytest.mark.parametrize("zipped", [False, True])
def test_a_call_comes_once_after_the_module_was_executed(tmp_path: Path, zipped: bool) -> None:
    sources = {f"{NAME}/__init__.py": "", f"{NAME}/inner.py": f"import {NAME}.other\ndone = 1", f"{NAME}/other.py": ""}
    if zipped:
        with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
            for name, source in sources.items():
                archive.writestr(name, source)
    else:
        (tmp_path / NAME).mkdir()
        for name, source in sources.items():
            (tmp_path / name).write_text(source)
    calls = waiting()
    sys.path.insert(0, str(tmp_path / "code.zip" if zipped else tmp_path))
    importlib.invalidate_caches()
    importlib.import_module(f"{NAME}.other")
    assert calls == []
    module = importlib.import_module(f"{NAME}.inner")
    assert calls == [1]
    assert "exec_module" not in vars(module.__spec__.loader)  # type: ignore[union-attr]
    importlib.reload(module)
    assert calls == [1]


def test_a_module_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    calls = waiting()
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "__init__.py").write_text("")
    sys.path.insert(0, str(tmp_path))
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"{NAME}.inner")
    (tmp_path / NAME / "inner.py").write_text("done = 2")
    importlib.invalidate_caches()
    importlib.import_module(f"{NAME}.inner")
    assert calls == [2]


def test_a_loader_that_cannot_be_followed_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    class Loader:
        __slots__ = ()

        def create_module(self, spec: ModuleSpec) -> None:
            return None

        def exec_module(self, module: Any) -> None:
            module.__path__ = []

    class Finder:
        def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
            return ModuleSpec(name, Loader()) if name.partition(".")[0] == NAME else None  # type: ignore[arg-type]

    sys.meta_path.insert(0, Finder())  # type: ignore[arg-type]
    calls = waiting()
    importlib.import_module(f"{NAME}.inner")
    assert calls == []
    assert f"{NAME}.inner discovers without the cache: it is loaded by Loader" in caplog.text
