"""`Cancellation`: end the waits of threads, whether for a server, a lock or a pause."""

from __future__ import annotations

import os
import time
from _thread import _local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Lock(Protocol):
        """A lock for `Cancellation.acquire`."""

        def acquire(self, *, timeout: float = -1) -> bool: ...


# A thread cannot be woken while it waits for a lock: it checks for cancellation at this interval, in seconds.
_LOOK_SECONDS = 0.1
_IDLE_LOOK_SECONDS = 0.005


class WaitCancelledError(ConnectionAbortedError):
    """A wait was cancelled."""


class Cancellation:
    """A context manager for any number of threads. Within it, it is `current()`, also in threads started there.

    It uses no lock, so a fork leaves none locked in the child. The waits of the parent's threads do not exist there.
    """

    def __init__(self, *within: Cancellation) -> None:
        """Waits within this also end when one of `within` is cancelled."""
        self._within = within
        self._reason = ""
        self._pid = os.getpid()
        self._waits: dict[int, Wait] = {}

    def reason(self) -> str:
        """The reason for the cancellation; "" if this is not cancelled."""
        return self._reason or next(filter(None, (outer.reason() for outer in self._within)), "")

    def check(self) -> None:
        """Raise `WaitCancelledError` if this is cancelled."""
        reason = self.reason()
        if reason:
            raise WaitCancelledError(reason)

    def cancel(self, reason: str) -> None:
        """End all current and future waits within this."""
        self._reason = self._reason or reason
        for wait in list(self._own_waits().values()):
            wait.end()

    def wait_until_idle(self, seconds: float) -> None:
        """Wait until nothing waits within this, for at most `seconds`."""
        deadline = time.monotonic() + seconds
        while self._own_waits() and time.monotonic() < deadline:
            time.sleep(_IDLE_LOOK_SECONDS)

    def ending(self, end: Callable[[], object]) -> Wait:
        """Return a context manager for a wait that another thread ends with `end()`, which may be called repeatedly.

        Raises `WaitCancelledError` if this is cancelled, whatever the wait raised, and even if it raised nothing: data
        read from a connection that was shut down may be incomplete.
        """
        return Wait(self, end)

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises `WaitCancelledError` as soon as this is cancelled."""
        from threading import Event

        over = Event()
        with self.ending(over.set):
            over.wait(seconds)
        self.check()

    def acquire(self, lock: Lock) -> None:
        """Acquire `lock`. Raises `WaitCancelledError` as soon as this is cancelled."""
        if self is _NEVER:
            lock.acquire()
            return
        while not lock.acquire(timeout=_LOOK_SECONDS):
            self.check()

    def __enter__(self) -> Cancellation:
        waits = [outer.ending(self._wake) for outer in self._within]
        _entered().append((self, waits))
        for wait in waits:
            wait.begin()
        return self

    def __exit__(self, *_: object) -> None:
        for wait in _entered().pop()[1]:
            wait.over()

    def _wake(self) -> None:
        self.cancel(self.reason())

    def _own_waits(self) -> dict[int, Wait]:
        if self._pid != os.getpid():
            # In a child of fork: ending the parent's waits would break the parent's connections.
            self._pid, self._waits = os.getpid(), {}
        return self._waits


class Wait:
    """The context manager of `Cancellation.ending`."""

    def __init__(self, cancellation: Cancellation, end: Callable[[], object]) -> None:
        self.end = end
        self._cancellation = cancellation

    def begin(self) -> None:
        # Registered before the check, so that a cancellation between the two is not missed.
        self._cancellation._own_waits()[id(self)] = self
        if self._cancellation.reason():
            self.end()

    def over(self) -> None:
        self._cancellation._own_waits().pop(id(self), None)

    def __enter__(self) -> None:
        self._cancellation.check()
        self.begin()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.over()
        if kind is None or issubclass(kind, Exception):
            self._cancellation.check()


def current() -> Cancellation:
    """Return the innermost `Cancellation` that this thread has entered; if none, one that is never cancelled."""
    entered = _entered()
    return entered[-1][0] if entered else _NEVER


def _entered() -> list[tuple[Cancellation, list[Wait]]]:
    """The cancellations that this thread has entered, with the waits registered at the outer ones."""
    found: list[tuple[Cancellation, list[Wait]]] | None = getattr(_thread, "entered", None)
    if found is None:
        found = _thread.entered = []
    return found


_thread = _local()
_NEVER = Cancellation()
