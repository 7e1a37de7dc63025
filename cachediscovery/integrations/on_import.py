"""Calls that wait until a program imports a module: the module is not imported for their sake."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

from .. import _log as log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any


def when_imported(calls: dict[str, Callable[[], None]]) -> None:
    """Call the functions, each once the module of its name has been imported. One that raises is a warning."""
    sys.meta_path.insert(0, _Finder(calls))


class _Finder:
    """Finds no module itself. It lets the other finders find the modules that are waited for."""

    def __init__(self, calls: dict[str, Callable[[], None]]) -> None:
        self._calls = dict(calls)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Called by the import system."""
        # It is not there any more when `find_spec` comes here again.
        call = self._calls.pop(name, None)
        if call is None:
            return None
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            self._calls[name] = call
        else:
            _call_after(spec.loader, name, call)
        return spec


def _call_after(loader: Any, name: str, call: Callable[[], None]) -> None:
    """Call `call` after `loader` has executed the module."""
    execute = getattr(loader, "exec_module", None)
    if execute is None or not hasattr(loader, "__dict__"):
        log.warning("%s discovers without the cache: it is loaded by %s", name, type(loader).__name__)
        return

    def exec_module(module: ModuleType) -> None:
        execute(module)
        # The loader of a zip file is that of all its modules.
        if module.__name__ == name:
            del loader.exec_module
            try:
                call()
            except Exception as error:
                log.warning("%s discovers without the cache: %s", name, error)

    loader.exec_module = exec_module
