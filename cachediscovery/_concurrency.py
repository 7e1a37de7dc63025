"""Threads, locks and forks: concurrent calls, and locks that are free again in the child of a fork."""

from __future__ import annotations

import os
import sys

# Importing the rest of threading takes 2 ms.
from _thread import allocate_lock, get_ident
from _weakref import ref
from itertools import count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Generic, Protocol, TypeVar

    T = TypeVar("T")

    class Forkable(Protocol):
        """An object that the child of a fork must reset."""

        def after_fork(self) -> None:
            """Called in the child, where only the forking thread exists."""


else:
    T = None

    class Generic:
        """Replaces `typing.Generic`: importing typing takes nearly as long as starting the interpreter."""

        def __class_getitem__(cls, _):
            return cls


# The objects registered by `renew_after_fork`, by the number of their registration, and some that are gone.
_forkable: dict[int, ref[Forkable]] = {}
_numbers = count()
_REGISTRATIONS_BETWEEN_PURGES = 1000


def renew_after_fork(thing: Forkable) -> None:
    """Call `thing.after_fork()` in every process forked from this one, as long as `thing` is alive."""
    number = next(_numbers)
    # The reference has no callback: Python would lose a KeyboardInterrupt that is raised in one.
    _forkable[number] = ref(thing)
    if number % _REGISTRATIONS_BETWEEN_PURGES == 0:
        # `list` of the items would not be atomic: the tuples that it makes may start the garbage collector.
        for known, reference in _forkable.copy().items():
            if reference() is None:
                _forkable.pop(known, None)


def _renew_all() -> None:
    for reference in list(_forkable.values()):
        thing = reference()
        if thing is not None:
            thing.after_fork()


def _forget_imports() -> None:
    """Discard imports that other threads of the parent had not finished. The child would wait for them without end.

    Python resets its own locks after a fork, but not those of single modules.
    """
    locks = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
    for name, reference in locks.copy().items():
        lock = reference()
        owner = getattr(lock, "owner", None)
        # A thread that is about to own a lock, or gives it up, holds the lock within it for a moment.
        if owner == get_ident() or (owner is None and _is_free(getattr(lock, "lock", None))):
            continue
        locks.pop(name, None)
        if getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False):
            for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
                del sys.modules[known]


def _is_free(lock: Any) -> bool:
    if lock is None:
        return True
    is_free = bool(lock.acquire(False))
    if is_free:
        lock.release()
    return is_free


class Lock:
    """A mutual exclusion lock, for `with`. It is free in the child of a fork, even if the parent held it."""

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock = allocate_lock()
        renew_after_fork(self)

    # `with` calls those of the lock itself: between a method of ours and the block a KeyboardInterrupt would leave it
    # locked for ever.
    @property
    def __enter__(self) -> Callable[[], bool]:
        return self._lock.__enter__

    @property
    def __exit__(self) -> Callable[..., None]:  # noqa: PLE0302 - a property
        return self._lock.__exit__

    def acquire(self, timeout: float = -1) -> bool:
        """Acquire the lock within `timeout` seconds (-1: no limit). Return whether it was acquired."""
        return self._lock.acquire(True, timeout)

    def release(self) -> None:
        # If the thread that holds the lock forks, it finds a new, free lock in the child.
        if self._lock.locked():
            self._lock.release()

    def after_fork(self) -> None:
        self._lock = allocate_lock()


# Held during operations that a fork must not interrupt: otherwise locks of other libraries would stay locked in the
# child, or the child would keep a pipe open that the parent waits to see closed.
UNFORKABLE = Lock()
_MAX_FORK_SECONDS = 5.0
# Whether it was acquired for the fork in progress.
_forking: list[bool] = []


def _before_fork() -> None:
    _forking.append(UNFORKABLE.acquire(_MAX_FORK_SECONDS))


def _after_fork_in_parent() -> None:
    if _forking.pop():
        UNFORKABLE.release()


def _after_fork_in_child() -> None:
    _forking.clear()
    _forget_imports()
    _renew_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


class Once(Generic[T]):
    """A value created on first use. Safe for use by several threads: all get the same one."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[None, T] = {}

    def get(self, make: Callable[[], T]) -> T:
        """Return the value, created by `make()` if there is none. Threads may race to create it; one result is kept."""
        found = self._made.get(None)
        return self._made.setdefault(None, make()) if found is None else found

    @property
    def made(self) -> T | None:
        """The value, or None if it was not created yet."""
        return self._made.get(None)


def begin_in_thread(call: Callable[[], T]) -> Callable[[], T]:
    """Start `call` in a thread. Return a function that waits for it, and returns its result or raises its exception.

    The call has its caller's context variables and `Cancellation`. Unlike an executor's, the thread is a daemon: after
    Ctrl-C the program does not wait for a server that hangs.
    """
    from _thread import start_new_thread
    from contextvars import copy_context

    from ._cancellation import current

    cancellation = current()
    running = Lock()
    results: list[T] = []
    errors: list[BaseException] = []
    context = copy_context()

    def run() -> None:
        try:
            with cancellation:
                results.append(context.run(call))
        except BaseException as error:
            errors.append(error)
        finally:
            running.release()

    def result() -> T:
        if current() is cancellation:
            # The same cancellation ends the call too. Wait for the thread, so that it is not left behind.
            running.acquire()
        else:
            current().acquire(running)
        running.release()
        if not results and not errors:
            # Forked meanwhile: the thread exists only in the parent.
            return call()
        if errors:
            raise errors[0]
        return results[0]

    running.acquire()
    try:
        start_new_thread(run, ())
    except RuntimeError:
        # No more threads can start.
        run()
    return result


def run_together(calls: Sequence[Callable[[], T]], max_workers: int) -> list[T]:
    """Run `calls` with at most `max_workers` at a time. Return the results in the order of the calls.

    All calls run to their end; then the first exception, in the order of the calls, is raised.
    """
    if len(calls) == 1:
        return [calls[0]()]
    results: dict[int, T] = {}
    errors: dict[int, BaseException] = {}
    numbers = iter(range(len(calls)))
    lock = Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                results[number] = calls[number]()
            except BaseException as error:
                errors[number] = error

    for finished in [begin_in_thread(work) for _ in range(min(max_workers, len(calls)))]:
        finished()
    if errors:
        raise errors[min(errors)]
    return [results[number] for number in range(len(calls))]
