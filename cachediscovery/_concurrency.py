"""Threads, locks and forks: several calls at a time, and locks that a fork cannot leave held for ever."""

from __future__ import annotations

import os
import sys

# The rest of threading takes 2 ms to import.
from _thread import allocate_lock, get_ident
from _weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Generic, Protocol, TypeVar

    T = TypeVar("T")

    class Forkable(Protocol):
        """Something that the child of a fork has to set up anew."""

        def after_fork(self) -> None:
            """Called in the child, where only the thread that forked is left."""


else:
    T = None

    class Generic:
        """`typing.Generic`, whose module takes nearly as long to import as an interpreter takes to start."""

        def __class_getitem__(cls, _):
            return cls


# All that `renew_after_fork` was called for and that is still in use, by its id.
_forkable: dict[int, ref[Forkable]] = {}


def renew_after_fork(thing: Forkable) -> None:
    """Call `thing.after_fork()` in every process that is forked from this one, as long as `thing` is in use."""
    key = id(thing)
    _forkable[key] = ref(thing, lambda _: _forkable.pop(key, None))


def _renew_all() -> None:
    for reference in list(_forkable.values()):
        thing = reference()
        if thing is not None:
            thing.after_fork()


def _forget_imports() -> None:
    """Have what other threads of the parent were importing imported anew: the child would wait for them for ever.

    Python does so for its own locks, but not for those of single modules.
    """
    locks = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
    for name, reference in list(locks.items()):
        if getattr(reference(), "owner", None) in (None, get_ident()):
            continue
        locks.pop(name, None)
        if getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False):
            for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
                del sys.modules[known]


class Lock:
    """A mutual exclusion lock, for `with`. In the child of a fork it is free, whoever held it in the parent."""

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock = allocate_lock()
        renew_after_fork(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self, timeout: float = -1) -> bool:
        """Whether it was acquired within `timeout` seconds; -1 is for ever."""
        return self._lock.acquire(True, timeout)

    def release(self) -> None:
        # The thread that holds a lock may fork, and then finds another, which is free, in its place.
        if self._lock.locked():
            self._lock.release()

    def after_fork(self) -> None:
        self._lock = allocate_lock()


# Held while something is done that a fork must not fall into: locks that are not ours would stay locked in the child,
# or the child would keep a pipe open whose end the parent waits for.
UNFORKABLE = Lock()
_MAX_FORK_SECONDS = 5.0
# Whether it is held for the fork that is under way.
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
    """A value that is made when it is first needed. Safe for use by several threads: all get the same one."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[None, T] = {}

    def get(self, make: Callable[[], T]) -> T:
        """The value; `make()` where there is none yet. Of several threads each may make one, and one is kept."""
        found = self._made.get(None)
        return self._made.setdefault(None, make()) if found is None else found

    @property
    def made(self) -> T | None:
        """The value, or None if it was not needed yet."""
        return self._made.get(None)


def begin_in_thread(call: Callable[[], T]) -> Callable[[], T]:
    """Begin `call` in a thread; what is returned waits for its result and returns it, or raises what `call` raised.

    The call sees the context variables of its caller, and works within its `Cancellation`. Unlike that of an executor
    the thread is a daemon: after Ctrl-C nobody waits for a server that hangs.
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
            # That ends the call, and a thread that is waited for is not left behind.
            running.acquire()
        else:
            current().acquire(running)
        running.release()
        if not results and not errors:
            # Forked in between: the thread is the parent's.
            return call()
        if errors:
            raise errors[0]
        return results[0]

    running.acquire()
    try:
        start_new_thread(run, ())
    except RuntimeError:
        # No more threads are to be had.
        run()
    return result


def run_together(calls: Sequence[Callable[[], T]], max_workers: int) -> list[T]:
    """The results of `calls`, in their order; at most `max_workers` run at a time.

    All of them are run to their end; then the first exception, in the order of the calls, is raised.
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
