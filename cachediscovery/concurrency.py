"""Several calls at a time, in threads that an interrupt does not have to wait for."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Lock as Lock  # noqa: PLC0414
    from typing import TypeVar

    T = TypeVar("T")
else:
    # The very same, without the 2 ms that the rest of threading takes to import.
    from _thread import allocate_lock as Lock  # noqa: N812


def made_once(made: dict[None, T], make: Callable[[], T]) -> T:
    """What `made` holds, or what `make()` returns, which it holds from then on.

    Threads that come here together may make one each, and all get the first. A lock might be held by one of them
    when the process forks, and for ever in the child.
    """
    found = made.get(None)
    return made.setdefault(None, make()) if found is None else found


def begin_in_thread(call: Callable[[], T]) -> Callable[[], T]:
    """Begin `call` in a thread; what is returned waits for its result and returns it, or raises what `call` raised.

    Unlike that of an executor the thread is a daemon: after Ctrl-C nobody waits for a server that hangs. It works
    within the `Cancellation` of the thread that begins it.
    """
    from _thread import start_new_thread

    from .cancellation import current

    cancellation = current()
    running = Lock()
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with cancellation:
                results.append(call())
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
