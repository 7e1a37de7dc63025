"""When a watcher looks (refreshes): simulated over hours, without waiting."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachediscovery.watching.schedule import LOOKS_AFTER_CHANGE, LOOKS_AFTER_GAP, LookSchedule

CEILING = 30


def looks_of(schedule: LookSchedule, changes: Iterable[float], until: float) -> list[float]:
    """The times of all looks, given the times of the changes."""
    looks = []
    for change in [*sorted(changes), None]:
        end = until if change is None else change
        while (at := schedule.next_at()) is not None and at <= end:
            assert schedule.take(at - 1e-6) is None
            assert schedule.take(at) is not None
            looks.append(at)
        if change is not None:
            schedule.changed(change)
    return looks


def most_in_a_minute(looks: list[float]) -> int:
    return max((sum(start <= look < start + 60 for look in looks) for start in looks), default=0)


def every(seconds: float, until: float) -> list[float]:
    return [seconds * number for number in range(int(until / seconds))]


def test_one_change_causes_five_refreshes_at_growing_intervals() -> None:
    looks = looks_of(LookSchedule(30), [1000.0], 2000)
    assert len(looks) == 5
    for look, (low, high) in zip(looks, LOOKS_AFTER_CHANGE, strict=True):
        assert low <= look - 1000 <= high
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert pauses[1:] == sorted(pauses[1:])


@pytest.mark.parametrize("published", [number / 100 for number in range(90)])
def test_a_document_published_soon_after_a_change_is_seen_within_a_second(published: float) -> None:
    looks = looks_of(LookSchedule(30), [0.0], 60)
    assert min(look for look in looks if look >= published) <= published + 1


def test_changes_in_a_row_cost_as_much_as_one_change() -> None:
    assert 5 <= len(looks_of(LookSchedule(30), every(0.0001, 0.03), 60)) <= 6


def test_watchers_notified_together_do_not_refresh_together() -> None:
    first = sorted(looks_of(LookSchedule(30), [0.0], 60)[0] for _ in range(1000))
    busiest = max(sum(start <= look < start + 0.01 for look in first) for start in first)
    assert busiest < 100, "of a thousand, in a hundredth of a second"


@pytest.mark.parametrize("seconds", [0.01, 0.2, 1.0, 3.0, 6.5, 10.0])
def test_steady_changes_stay_below_the_ceiling(seconds: float) -> None:
    looks = looks_of(LookSchedule(30), every(seconds, 1800), 1800)
    assert most_in_a_minute(looks) <= CEILING
    assert len(looks) <= 30 * 17, "about fifteen in each minute in the long run"
    assert max(later - earlier for earlier, later in pairwise(looks)) <= seconds + 8


@given(st.lists(st.floats(0, 600), min_size=1, max_size=300))
def test_no_change_is_missed_and_the_ceiling_always_holds(changes: list[float]) -> None:
    looks = looks_of(LookSchedule(30), changes, 700)
    assert most_in_a_minute(looks) <= CEILING
    # A look follows each change within six seconds, and the last look is late enough after the last change.
    for change in changes:
        assert any(change < look <= change + 6 for look in looks)
    assert any(look >= max(changes) + LOOKS_AFTER_CHANGE[-1][0] for look in looks)


@given(st.lists(st.floats(0, 600), min_size=1, max_size=300))
def test_a_change_after_a_quiet_minute_causes_a_refresh_at_once(changes: list[float]) -> None:
    quiet_until = max(changes) + 60
    looks = looks_of(LookSchedule(30), [*changes, quiet_until], 1000)
    assert any(quiet_until < look <= quiet_until + LOOKS_AFTER_CHANGE[0][1] for look in looks)
    assert any(quiet_until + 0.4 <= look <= quiet_until + LOOKS_AFTER_CHANGE[1][1] for look in looks)


def test_a_refresh_by_another_process_in_the_same_window_suffices() -> None:
    schedule = LookSchedule(30)
    schedule.changed(100.0)
    for low, _ in LOOKS_AFTER_CHANGE:
        at = schedule.next_at()
        assert at is not None
        assert schedule.take(at) == pytest.approx(100 + low)


def test_a_delayed_refresh_covers_all_that_were_due() -> None:
    schedule = LookSchedule(30)
    schedule.changed(0.0)
    assert schedule.take(50.0) == pytest.approx(LOOKS_AFTER_CHANGE[-1][0])
    assert schedule.next_at() is None


def test_a_gap_causes_two_refreshes_for_any_number_of_watches() -> None:
    schedule = LookSchedule(30)
    for _ in range(5):
        schedule.missed(100.0)
    looks = looks_of(schedule, [], 200)
    assert [low <= look - 100 <= high for look, (low, high) in zip(looks, LOOKS_AFTER_GAP, strict=True)] == [True] * 2


def test_a_gap_does_not_cancel_the_refreshes_of_a_change() -> None:
    schedule = LookSchedule(30)
    schedule.changed(100.0)
    schedule.missed(100.1)
    assert len(looks_of(schedule, [], 200)) >= 5


def test_a_failed_last_refresh_is_retried_until_it_succeeds() -> None:
    schedule = LookSchedule(30)
    schedule.changed(0.0)
    now = looks_of(schedule, [], 100)[-1]
    for _ in range(3):
        schedule.failed(now)
        schedule.failed(now)
        at = schedule.next_at()
        assert at is not None
        assert 24 <= at - now <= 36
        assert schedule.take(at) is not None
        assert schedule.next_at() is None
        now = at


def test_polling_keeps_the_requested_interval_with_jitter() -> None:
    schedule = LookSchedule(1.0)
    assert schedule.ask_regularly(True, 0.0)
    assert not schedule.ask_regularly(True, 0.5)
    looks = looks_of(schedule, [], 600)
    assert 540 <= len(looks) <= 660
    assert len({round(look % 1, 1) for look in looks}) > 5
    assert schedule.ask_regularly(False, 600)
    assert schedule.next_at() is None
