"""Waits that another thread cancels, at any moment."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cachediscovery._cancellation import Cancellation, WaitCancelledError, current
from cachediscovery._concurrency import Lock, begin_in_thread


def test_a_wait_cancelled_just_as_it_starts_ends() -> None:
    class CancelledMeanwhile(Cancellation):
        def check(self) -> None:
            super().check()
            self.cancel("no more")

    ended = threading.Event()
    with pytest.raises(WaitCancelledError, match="no more"), CancelledMeanwhile().ending(ended.set):
        pass
    assert ended.is_set()


def test_an_outer_cancellation_cancels_the_inner_one_but_not_the_reverse() -> None:
    outer = Cancellation()
    inner, ended = Cancellation(outer), threading.Event()

    def cancel_outer() -> None:
        with inner, inner.ending(ended.set):
            outer.cancel("over")

    with pytest.raises(WaitCancelledError, match="over"):
        cancel_outer()
    assert ended.is_set()
    inner = Cancellation(other := Cancellation())
    inner.cancel("over")
    other.check()


def test_a_cancelled_wait_raises() -> None:
    cancellation = Cancellation()
    with pytest.raises(WaitCancelledError), cancellation.ending(lambda: None):
        cancellation.cancel("over")


def test_a_new_thread_inherits_the_current_cancellation() -> None:
    cancellation = Cancellation()
    with cancellation:
        assert begin_in_thread(current)() is cancellation
    assert current() is not cancellation


@pytest.mark.parametrize("what", ["lock", "sleep"])
def test_cancelling_ends_a_lock_wait_and_a_sleep(what: str) -> None:
    cancellation, lock = Cancellation(), Lock()
    lock.acquire()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(cancellation.acquire, lock) if what == "lock" else pool.submit(cancellation.sleep, 600)
        cancellation.cancel("over")
        with pytest.raises(WaitCancelledError):
            waiting.result(20)


def test_a_forked_child_does_not_end_its_parents_waits() -> None:
    cancellation, ended = Cancellation(), threading.Event()
    with cancellation.ending(ended.set):
        child = os.fork()
        if child == 0:
            cancellation.cancel("over")
            os._exit(1 if ended.is_set() else 0)
        assert os.waitpid(child, 0)[1] == 0
