"""`LookSchedule`: when a watcher looks at what a server serves. No thread and no clock of its own.

All watchers of a cluster are told of a change at the same moment. What n of them ask of its API server is bounded:

- A look is two conditional requests. As long as nothing is new, their answers have no body.
- One change costs each watcher 5 looks: 10 n requests in eight seconds, 6 n of them in the first 1.2 s. The moment of
  each look is random within its window, so that n watchers do not all ask in the same millisecond.
- Changes are gathered: a look serves all changes that were told of before it was made, and 300 in a row cost what one
  costs, or one look more.
- Under changes without end a watcher makes at most 30 looks in any minute, and after the first minute about 15 in each.
  That is n / 2 requests a second, 50 for a hundred watchers. A new kind is then seen within some five seconds. A lookup
  that finds nothing asks the server itself, and does not wait for that.
- Processes that share a cache folder share looks: what one has fetched since the window of a look began, the others
  take from disk. On one machine they cost little more than one process.
- After a restart of the API server all watchers connect again, and make 2 looks each. `watch.py` bounds how fast they
  connect.
"""

from __future__ import annotations

import random

from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# When to look after a change, in windows of seconds after it. A server publishes what a change brings some tenths of a
# second later; one that is slow, or another server of the cluster, within seconds. What is published in the first 0.9 s
# is seen within 0.8 s of that; then the pauses grow. The first look waits for the changes that come together with one.
LOOKS_AFTER_CHANGE = ((0.05, 0.3), (0.4, 0.65), (0.9, 1.2), (2.0, 3.0), (5.0, 8.0))
# After a gap in the watch: at once, and when what changed right before its end is published.
LOOKS_AFTER_GAP = (LOOKS_AFTER_CHANGE[0], LOOKS_AFTER_CHANGE[3])
# So many looks may be made in a row at most, as for a CRD on a slow server, which tells of five changes in as many
# seconds; each uses up so many seconds, which pass with the time. So there are 27 / 3 + 1 + 60 / 3 = 30 looks in any
# minute at most, and under changes without end one in four seconds.
MAX_LOOKS_IN_A_ROW = 10
SECONDS_PER_LOOK = (3.0, 5.0)
# Regular looks come that much sooner or later: watchers that began together are not to stay together.
_INTERVAL_JITTER = (0.8, 1.2)


class _Moment(NamedTuple):
    """When to look, and since when the look of another process will do; on the monotonic clock."""

    at: float
    since: float


class LookSchedule:
    """All times are in seconds, on the monotonic clock."""

    def __init__(self, interval: float) -> None:
        """`interval` is that of regular looks, once they are asked for. They are made as often as was asked for."""
        self._interval = interval
        # Soonest first.
        self._due: list[_Moment] = []
        self._next_regular: float | None = None
        # When the seconds that the looks have used up will have passed.
        self._used_until = 0.0

    def changed(self, now: float) -> None:
        """Something has changed: look until what it brings is published."""
        first, *later = _moments(now, LOOKS_AFTER_CHANGE)
        # What is due sooner stays: changes without end would put it off for ever.
        sooner = [moment for moment in self._due[:1] if moment.at < first.at]
        if sooner and sooner[0].at >= first.since:
            # It serves this change as well.
            sooner, first = [], first._replace(at=sooner[0].at)
        self._due = [*sooner, first, *later]

    def missed(self, now: float) -> None:
        """Something may have changed before now."""
        # Both watches of a client begin at about the same time.
        waiting = [moment.at - now for moment in self._due]
        windows = [(low, high) for low, high in LOOKS_AFTER_GAP if not any(low <= at <= high for at in waiting)]
        self._due = sorted([*self._due, *_moments(now, windows)])

    def failed(self, now: float) -> None:
        """The look that was taken has failed: it is made again if it was the last one."""
        if not self._due and self._next_regular is None:
            self._due = _moments(now, [self._regular_window()])

    def ask_regularly(self, regularly: bool, now: float) -> bool:
        """Begin, or cease, to look every `interval` seconds; whether that is a change."""
        if regularly == (self._next_regular is not None):
            return False
        self._next_regular = now + random.uniform(*self._regular_window()) if regularly else None
        return True

    def next_at(self) -> float | None:
        """When `take` will have something; None while nothing is due."""
        return min((at for at in (self._next_look(), self._next_regular) if at is not None), default=None)

    def take(self, now: float) -> float | None:
        """Take a look off, if one is due: since when the look of another process will do instead."""
        next_look = self._next_look()
        if next_look is not None and next_look <= now:
            self._used_until = max(self._used_until, now) + random.uniform(*SECONDS_PER_LOOK)
        elif self._next_regular is None or now < self._next_regular:
            return None
        if self._next_regular is not None:
            self._next_regular = now + random.uniform(*self._regular_window())
        # One look serves all that were due.
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
