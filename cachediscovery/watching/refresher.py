"""`Refresher`: refreshes a cached client after changes, or at intervals."""

from __future__ import annotations

import threading
import time

from .. import _log as log
from .schedule import LookSchedule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .baseline import Baseline
    from .refreshable import Refreshable


class Refresher:
    """Refreshes one client in the thread that calls `run`, and coalesces changes."""

    def __init__(
        self,
        client: Refreshable,
        interval: float,
        on_change: Callable[[], object] | None,
        baseline: Baseline,
    ) -> None:
        """`interval` is for regular refreshes (seconds). `on_change` is called on a difference from `baseline`."""
        self.interval = interval
        self._client = client
        self._on_change = on_change
        # Called after each change, before `on_change`.
        self.on_difference: Callable[[], object] = lambda: None
        self.baseline = baseline
        self._condition = threading.Condition()
        self._schedule = LookSchedule(interval)
        self._stopped = False
        self._failed = False

    def run(self) -> None:
        """Refresh whenever it is due, until `stop` is called."""
        while (since := self._wait()) is not None:
            self._refresh(since)

    def stop(self) -> None:
        """End `run`."""
        with self._condition:
            self._stopped = True
            self._condition.notify()

    def changed(self) -> None:
        """Note that something has changed."""
        with self._condition:
            self._schedule.changed(time.monotonic())
            self._condition.notify()

    def missed(self) -> None:
        """Note that changes may have been missed."""
        with self._condition:
            self._schedule.missed(time.monotonic())
            self._condition.notify()

    def ask_regularly(self, regularly: bool) -> bool:
        """Start or stop refreshing every `interval` seconds. Return whether that is a change."""
        with self._condition:
            self._condition.notify()
            return self._schedule.ask_regularly(regularly, time.monotonic())

    def _wait(self) -> float | None:
        """Wait until a refresh is due. Return since when another's counts (monotonic clock); None to end."""
        with self._condition:
            while not self._stopped:
                now = time.monotonic()
                since = self._schedule.take(now)
                if since is not None:
                    return since
                next_at = self._schedule.next_at()
                self._condition.wait(None if next_at is None else next_at - now)
        return None

    def _refresh(self, since: float) -> None:
        try:
            self._client.refresh(since)
            changed = self.baseline.has_changed(self._client)
        except Exception as error:
            # The thread survives any error. It warns once, until a refresh works again.
            say = log.debug if self._failed or self._stopped else log.warning
            say("the discovery cache cannot be refreshed: %s", error)
            self._failed = True
            with self._condition:
                self._schedule.failed(time.monotonic())
            return
        self._failed = False
        if changed:
            self.on_difference()
        if changed and self._on_change is not None:
            try:
                self._on_change()
            except BaseException as error:
                # BaseException too: the callback must not end this thread.
                say = log.debug if self._stopped else log.warning
                say("on_change raised %s: %s", type(error).__name__, error)
