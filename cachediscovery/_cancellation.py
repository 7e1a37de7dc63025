"""`Cancellation`: ends what the threads that work within it wait for: a server, a lock, a pause."""

from __future__ import annotations

import os
import time
from _thread import _local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Lock(Protocol):
        """What `Cancellation.acquire` acquires."""

        def acquire(self, *, timeout: float = -1) -> bool: ...


# A thread that waits for a lock cannot be told to stop: it looks this often, in seconds, whether it should.
_LOOK_SECONDS = 0.1
_IDLE_LOOK_SECONDS = 0.005


class WaitCancelledError(ConnectionAbortedError):
    """Nobody wants any more what was waited for."""


class Cancellation:
    """Used as a context manager, by any number of threads, it is `current()` there and in the threads that they begin.

    It takes no lock: a fork leaves none locked in the child, for which what the parent's threads wait for is nothing.
    """

    def __init__(self, *within: Cancellation) -> None:
        """What is waited for within this also ends when one of `within` is cancelled."""
        self._within = within
        self._reason = ""
        self._pid = os.getpid()
        self._waits: dict[int, Wait] = {}

    def reason(self) -> str:
        """Why nothing is to be waited for any more; "" while it is."""
        return self._reason or next(filter(None, (outer.reason() for outer in self._within)), "")

    def check(self) -> None:
        """Raises `WaitCancelledError` if this is cancelled."""
        reason = self.reason()
        if reason:
            raise WaitCancelledError(reason)

    def cancel(self, reason: str) -> None:
        """End all that is waited for within this, from now on as well."""
        self._reason = self._reason or reason
        for wait in list(self._own_waits().values()):
            wait.end()

    def wait_until_idle(self, seconds: float) -> None:
        """Wait, for `seconds` at most, until nothing is waited for within this."""
        deadline = time.monotonic() + seconds
        while self._own_waits() and time.monotonic() < deadline:
            time.sleep(_IDLE_LOOK_SECONDS)

    def ending(self, end: Callable[[], object]) -> Wait:
        """A context manager for a wait that `end()`, called in another thread, ends; it may be called more than once.

        Raises `WaitCancelledError` if this is cancelled, whatever the wait raised; also if it raised nothing: what was
        read from a connection that was hung up on may be cut short.
        """
        return Wait(self, end)

    def sleep(self, seconds: float) -> None:
        """Raises `WaitCancelledError` as soon as this is cancelled."""
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
            # Forked: to end what the parent waits for would break the parent's connections.
            self._pid, self._waits = os.getpid(), {}
        return self._waits


class Wait:
    """What `Cancellation.ending` returns."""

    def __init__(self, cancellation: Cancellation, end: Callable[[], object]) -> None:
        self.end = end
        self._cancellation = cancellation

    def begin(self) -> None:
        # Put there before it is checked: whoever cancels in between finds it.
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
    """The innermost `Cancellation` within which this thread works; one that is never cancelled if there is none."""
    entered = _entered()
    return entered[-1][0] if entered else _NEVER


def _entered() -> list[tuple[Cancellation, list[Wait]]]:
    """The cancellations that this thread has entered, with what waits for those around them."""
    found: list[tuple[Cancellation, list[Wait]]] | None = getattr(_thread, "entered", None)
    if found is None:
        found = _thread.entered = []
    return found


_thread = _local()
_NEVER = Cancellation()
