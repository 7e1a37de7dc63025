"""`Refresher`: the thread that brings a cached client up to date after a change was told of, or every so often."""

from __future__ import annotations

import threading
import time

from .. import log
from ..errors import DiscoveryError
from ..listing import with_failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..cached_client import CachedDiscoveryClient

# A server publishes what a change brings some time after it tells of the change. So it is asked at these many seconds
# after the last change, with conditional requests: two empty answers each, as long as nothing is new.
_SETTLING = (0.0, 0.1, 0.25, 0.5, 0.8, 1.5, 3.0, 6.0)
# Between two refreshes there is at least this much time, in seconds, however fast the changes come.
_SPACING = 0.1


class Refresher:
    """Refreshes one client, in one thread, however many changes are told of."""

    def __init__(
        self, client: CachedDiscoveryClient, interval: float, on_change: Callable[[], None] | None = None
    ) -> None:
        """`interval`, in seconds, is for asking regularly. `on_change` is called when a document has changed."""
        self.interval = interval
        self._client = client
        self._on_change = on_change
        self._condition = threading.Condition()
        # When to refresh, on the monotonic clock, soonest first.
        self._due: list[float] = []
        self._regularly = False
        self._stopped = False
        self._failed = False
        self._refreshed_at = -_SPACING
        self._content: object = None
        self._thread = threading.Thread(target=self._run, name="cachediscovery-refresh", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._condition:
            self._stopped = True
            self._condition.notify()
        if self._thread is not threading.current_thread():
            self._thread.join(5)

    def refresh(self, *, settle: bool) -> None:
        """Refresh soon; with `settle` several times, for as long as a change may take to be published."""
        now = time.monotonic()
        with self._condition:
            # A burst of changes is one: what was due at once stays so, the later ones are counted anew.
            soon = [due for due in self._due if due <= now]
            self._due = sorted({*soon, *(now + seconds for seconds in (_SETTLING if settle else _SETTLING[:1]))})
            self._condition.notify()

    def ask_regularly(self, regularly: bool) -> bool:
        """Begin, or cease, to refresh every `interval` seconds; whether that is a change."""
        with self._condition:
            if self._regularly == regularly:
                return False
            self._regularly = regularly
            self._condition.notify()
            return True

    def _run(self) -> None:
        while True:
            with self._condition:
                if not self._wait():
                    return
            self._refresh()

    def _wait(self) -> bool:
        """Wait until a refresh is due and take it off the list; False for the end."""
        next_regular = time.monotonic() + self.interval
        while not self._stopped:
            now = time.monotonic()
            waiting = [*self._due[:1], *([next_regular] if self._regularly else [])]
            due = max(min(waiting), self._refreshed_at + _SPACING) if waiting else None
            if due is not None and due <= now:
                self._due = [later for later in self._due if later > now]
                self._refreshed_at = now
                return True
            self._condition.wait(None if due is None else due - now)
        return False

    def _refresh(self) -> None:
        try:
            self._client.refresh()
        except Exception as error:
            # Whatever it is, this thread goes on. A warning once, until it works again.
            (log.debug if self._failed else log.warning)("the discovery cache cannot be refreshed: %s", error)
            self._failed = True
            return
        self._failed = False
        if self._on_change is not None and self._has_changed():
            try:
                self._on_change()
            except Exception as error:
                log.warning("on_change raised %s: %s", type(error).__name__, error)

    def _has_changed(self) -> bool:
        """Whether another thing is served than when this was last asked; the first time it is not."""
        before = self._content
        try:
            self._content, _ = with_failed(self._client.server_groups_and_resources)
        except DiscoveryError:
            return False
        return before is not None and before != self._content
