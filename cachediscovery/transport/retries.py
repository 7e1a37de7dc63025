"""`Retries`: whether a failed GET is sent again, and after how long."""

from __future__ import annotations

import time

from .. import _log as log
from ..model.errors import StatusError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.errors import RequestError
    from .options import TransportOptions

# Where the server asks with Retry-After, and `retries` is not set.
_ASKED_RETRIES = 4
# As long as all pauses may be that the server asks for. No retry of `retries` begins later after the first request.
_MAX_SECONDS = 20.0
# Seconds: the first and the largest pause. Half of each is random, so that many clients do not return together.
_BACKOFF = (0.25, 8.0)


class Retries:
    """The retries of one request. The rules are those of `TransportOptions.retries`."""

    def __init__(self, options: TransportOptions) -> None:
        self._allowed = options.retries
        self._began = time.monotonic()
        self._waited = 0.0
        self._count = 0

    def pause_after(self, error: RequestError) -> float | None:
        """The seconds to wait before the next try after `error`; None if there is none."""
        limit = _ASKED_RETRIES if self._allowed is None else self._allowed
        asked = error.retry_after if isinstance(error, StatusError) and _may_ask(error) else None
        if self._count >= limit or (asked is None and not (self._allowed and error.is_transient)):
            return None
        spent = self._waited if asked is not None else time.monotonic() - self._began
        pause = self._backoff() if asked is None else asked
        if spent + pause > _MAX_SECONDS:
            return None
        self._waited += pause
        self._count += 1
        log.info("%s, retrying after %.3g s (%d of at most %d)", error, pause, self._count, limit)
        return pause

    def _backoff(self) -> float:
        import random

        return min(_BACKOFF[0] * 2.0**self._count, _BACKOFF[1]) * (1 - random.random() / 2)


def _may_ask(error: StatusError) -> bool:
    return error.code == 429 or error.code >= 500
