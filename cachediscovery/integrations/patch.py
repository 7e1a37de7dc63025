"""A function of another package that is replaced while something is installed, and put back afterwards."""

from __future__ import annotations

from contextlib import contextmanager

from .._concurrency import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Function = Callable[..., Any]
    # Returns what is installed under a key, or None.
    Installed = Callable[[str], Any]


class Patch:
    """Replaces one function of a class or a module while something is installed.

    `replace(original, installed)` makes the function to put there. It has to do what the original does where
    `installed(key)` is None: if another package wraps it in turn, it stays in use after it was uninstalled.
    """

    def __init__(self, owner: Any, name: str, replace: Callable[[Function, Installed], Function]) -> None:
        self._owner = owner
        self._name = name
        self._replace = replace
        self._lock = Lock()
        # What was installed, in this order: the last counts. A block has an identity, `install` has none.
        self._entries: dict[tuple[str, object], Any] = {}
        self._current: dict[str, Any] = {}
        # The function that was replaced, and ours, while ours is in use.
        self._functions: tuple[Function, Function] | None = None

    def install(self, key: str, value: Any) -> None:
        """Install `value` under `key`, in place of what was installed there by this method; with None, nothing."""
        self._set((key, None), value)

    @contextmanager
    def during(self, key: str, value: Any) -> Iterator[None]:
        """Install `value` under `key` for the length of a block. Blocks of several threads may overlap."""
        entry = (key, object())
        self._set(entry, value)
        try:
            yield
        finally:
            self._set(entry, None)

    def _set(self, entry: tuple[str, object], value: Any) -> None:
        with self._lock:
            self._entries.pop(entry, None)
            if value is not None:
                self._entries[entry] = value
                self._put()
            # Another dictionary: threads read the present one.
            self._current = {key: value for (key, _), value in self._entries.items()}
            if not self._entries:
                self._put_back()

    def _value(self, key: str) -> Any:
        return self._current.get(key)

    def _put(self) -> None:
        present = vars(self._owner)[self._name]
        if self._functions is None or present is self._functions[0]:
            ours = self._replace(present, self._value)
            setattr(self._owner, self._name, ours)
            self._functions = (present, ours)

    def _put_back(self) -> None:
        if self._functions is not None and vars(self._owner)[self._name] is self._functions[1]:
            setattr(self._owner, self._name, self._functions[0])
            self._functions = None
