from __future__ import annotations

import gc
import sys
import threading
from types import FrameType
from weakref import ref

import pytest

from cachediscovery import _concurrency
from cachediscovery._concurrency import Lock, run_together


def test_results_are_in_the_order_of_the_calls() -> None:
    assert run_together([lambda number=number: number * 2 for number in range(50)], 7) == list(range(0, 100, 2))
    assert run_together([lambda: 1], 7) == [1]


def test_no_more_calls_than_the_limit_run_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()
    turn = threading.Barrier(3, timeout=10)

    def call() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        turn.wait()
        with lock:
            running -= 1

    run_together([call] * 9, 3)
    assert most == 3


def test_all_calls_finish_before_the_first_error_is_raised() -> None:
    done: list[int] = []

    def call(number: int) -> None:
        if number in (2, 4):
            raise ValueError(str(number))
        done.append(number)

    with pytest.raises(ValueError, match="2"):
        run_together([lambda number=number: call(number) for number in range(6)], 2)
    assert sorted(done) == [0, 1, 3, 5]


def test_no_python_code_runs_when_a_lock_is_acquired_by_with_or_dropped() -> None:
    """A KeyboardInterrupt in such code would leave the lock locked, or be lost."""
    lock = Lock()
    called: list[str] = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    sys.setprofile(profile)
    try:
        with lock:
            called.append("the block")
        del lock
    finally:
        sys.setprofile(None)
    # The methods are looked up before the lock is acquired.
    assert called == ["__enter__", "__exit__", "the block"]


@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="Python 3.12 and later collect garbage between instructions only"
)
def test_garbage_collected_during_a_purge_may_register_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_concurrency, "_REGISTRATIONS_BETWEEN_PURGES", 25)
    registered: list[Lock] = []

    def register(phase: str, _: object) -> None:
        if phase == "stop" and len(registered) < 5000:
            with_lock = object.__new__(Lock)
            registered.append(with_lock)
            _concurrency._forkable[-len(registered)] = ref(with_lock)

    threshold = gc.get_threshold()
    gc.callbacks.append(register)
    gc.set_threshold(1)
    try:
        kept = [Lock() for _ in range(100)]
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(register)
        for number in range(len(registered)):
            _concurrency._forkable.pop(-number - 1, None)
    assert registered
    assert all(any(known() is lock for known in _concurrency._forkable.values()) for lock in kept)
