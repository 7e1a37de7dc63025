"""`LookSchedule`: when a watch refreshes. It has no thread and no clock of its own.

All watches of a cluster learn of a change at the same moment. The load of n of them on its API server is bounded:

- A look (one refresh) is two conditional requests. If nothing is new, the responses have no body.
- One change costs each watch 5 looks: 10 n requests in eight seconds, 6 n of them in the first 1.2 s. Each look is
  at a random time in its window, so that n watches do not send requests in the same millisecond.
- Changes are coalesced: a look covers all changes reported before it. 300 changes in a row cost what one costs, or
  one look more.
- Under continuous changes a watch makes at most 30 looks in any minute, and after the first minute about 15 a minute.
  That is n / 2 requests a second, 50 for a hundred watches. A new kind is then seen within some five seconds. A
  lookup that misses asks the server itself and does not wait for that.
- Processes that share a cache folder share looks: if one has fetched since the window of a look began, the others
  read from disk. On one machine they cost little more than one process.
- After a restart of the API server all watches reconnect, and make 2 looks each. `watch.py` limits the rate of
  reconnects.
"""

from __future__ import annotations

import random

from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# Windows for looks, in seconds after a change. A server publishes the effect some tenths of a second after the change;
# a slow one, or another server of the cluster, within seconds. What is published in the first 0.9 s is seen within
# 0.8 s of that; then the pauses grow. The first look waits for other changes that arrive together with this one.
LOOKS_AFTER_CHANGE = ((0.05, 0.3), (0.4, 0.65), (0.9, 1.2), (2.0, 3.0), (5.0, 8.0))
# After a gap in the watch: at once, and again when the last changes of the gap are published.
LOOKS_AFTER_GAP = (LOOKS_AFTER_CHANGE[0], LOOKS_AFTER_CHANGE[3])
# The maximum of looks in a row. It suits a CRD on a slow server, which reports five changes in as many seconds. Each
# look uses up some seconds, which pass with time. So there are at most 27 / 3 + 1 + 60 / 3 = 30 looks in any minute,
# and one in four seconds under continuous changes.
MAX_LOOKS_IN_A_ROW = 10
SECONDS_PER_LOOK = (3.0, 5.0)
# Varies the regular interval, so that watches started together do not stay in step.
_INTERVAL_JITTER = (0.8, 1.2)


class _Moment(NamedTuple):
    """When to look, and since when another process's refresh counts instead; on the monotonic clock."""

    at: float
    since: float


class LookSchedule:
    """Plans looks. All times are in seconds, on the monotonic clock."""

    def __init__(self, interval: float) -> None:
        """`interval` is for regular looks, which `ask_regularly` turns on."""
        self._interval = interval
        # Sorted by time.
        self._due: list[_Moment] = []
        self._next_regular: float | None = None
        # When the seconds used up by looks will have passed.
        self._used_until = 0.0

    def changed(self, now: float) -> None:
        """Plan looks until the effect of a change is published."""
        first, *later = _moments(now, LOOKS_AFTER_CHANGE)
        # Keep an earlier look: continuous changes would postpone it without limit.
        sooner = [moment for moment in self._due[:1] if moment.at < first.at]
        if sooner and sooner[0].at >= first.since:
            # It covers this change too.
            sooner, first = [], first._replace(at=sooner[0].at)
        self._due = [*sooner, first, *later]

    def missed(self, now: float) -> None:
        """Plan looks because changes may have been missed."""
        # Both watches of a client start at about the same time and can share looks.
        waiting = [moment.at - now for moment in self._due]
        windows = [(low, high) for low, high in LOOKS_AFTER_GAP if not any(low <= at <= high for at in waiting)]
        self._due = sorted([*self._due, *_moments(now, windows)])

    def failed(self, now: float) -> None:
        """Plan another look after the last one taken failed, if no other is planned."""
        if not self._due and self._next_regular is None:
            self._due = _moments(now, [self._regular_window()])

    def ask_regularly(self, regularly: bool, now: float) -> bool:
        """Start or stop looking every `interval` seconds. Return whether that is a change."""
        if regularly == (self._next_regular is not None):
            return False
        self._next_regular = now + random.uniform(*self._regular_window()) if regularly else None
        return True

    def next_at(self) -> float | None:
        """When the next look is due; None if none is planned."""
        return min((at for at in (self._next_look(), self._next_regular) if at is not None), default=None)

    def take(self, now: float) -> float | None:
        """Take a look that is due. Return since when another process's refresh counts instead; None if none is due."""
        next_look = self._next_look()
        if next_look is not None and next_look <= now:
            self._used_until = max(self._used_until, now) + random.uniform(*SECONDS_PER_LOOK)
        elif self._next_regular is None or now < self._next_regular:
            return None
        if self._next_regular is not None:
            self._next_regular = now + random.uniform(*self._regular_window())
        # One look covers all that are due.
        served = [moment for moment in self._due if moment.at <= now]
        del self._due[: len(served)]
        return served[-1].since if served else now

    def _next_look(self) -> float | None:
        if not self._due:
            return None
        return max(self._due[0].at, self._used_until - (MAX_LOOKS_IN_A_ROW - 1) * SECONDS_PER_LOOK[0])

    def _regular_window(self) -> tuple[float, float]:
        return self._interval * _INTERVAL_JITTER[0], self._interval * _INTERVAL_JITTER[1]


def _moments(now: float, windows: Sequence[tuple[float, float]]) -> list[_Moment]:
    return [_Moment(now + random.uniform(*window), now + window[0]) for window in windows]
