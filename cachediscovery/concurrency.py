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


def run_together(calls: Sequence[Callable[[], T]], max_workers: int) -> list[T]:
    """The results of `calls`, in their order; at most `max_workers` run at a time.

    All of them are run to their end; then the first exception, in the order of the calls, is raised.
    Unlike those of an executor the threads are daemons: after Ctrl-C nobody waits for a server that hangs.
    """
    if len(calls) == 1:
        return [calls[0]()]
    import threading

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

    count = min(max_workers, len(calls))
    threads = [threading.Thread(target=work, name="cachediscovery", daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return [results[number] for number in range(len(calls))]
