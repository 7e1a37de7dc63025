"""`Engine`: Redis or Valkey, used so that it is never in the way.

Every operation ends within a bound. After a failure the engine is left alone for some seconds, with one warning.
"""

from __future__ import annotations

import threading
import time

from .. import _log as log
from .._concurrency import Lock, begin_in_thread, renew_after_fork
from ..model.errors import InvalidOption
from ..model.redact import one_line
from .address import connect, place_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")

# All times are in seconds.
CONNECT_TIMEOUT = 0.3
OPERATION_TIMEOUT = 0.5
# For so long nothing is tried after a failure.
PAUSE = 10.0
# For what these do not bound: a resolver that hangs, a client of the caller without time-outs.
_MAX_OPERATION = 2.0
# The most operations at a time. It also bounds how many threads a hanging engine can hold.
_MAX_OPERATIONS = 8
# How long an operation waits for others of this process, and how often it looks whether they failed.
_MAX_QUEUE = 5.0
_LOOK = 0.1
_PAUSED = "it failed a moment ago"


class EngineUnavailable(Exception):
    """The engine did not do what was asked: go on as if there were none."""


class Engine:
    """The client of one engine. Safe for use by several threads."""

    def __init__(self, address: Any) -> None:
        """`address` is a URL or a client, as `checked_address` returns it. Connects on first use."""
        self.place: str = place_of(address)
        self._address = address
        self._lock = Lock()
        self._client: Any = None
        self._failed_at = float("-inf")
        self._warned = False
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Reset the state in the child of a fork: the parent's operations do not exist there."""
        self._slots = threading.BoundedSemaphore(_MAX_OPERATIONS)
        if isinstance(self._address, str):
            self._client = None

    def client(self) -> Any:
        """The client of redis-py or valkey-py. Raises `InvalidOption` if there can be none."""
        with self._lock:
            if self._client is None:
                self._client = connect(
                    self._address, socket_connect_timeout=CONNECT_TIMEOUT, socket_timeout=OPERATION_TIMEOUT
                )
            return self._client

    def call(self, operation: Callable[[Any], T]) -> T:
        """The result of `operation(client)`. Raises `EngineUnavailable` if it fails or does not end in time."""
        if self.is_paused:
            raise EngineUnavailable(_PAUSED)
        client = self.client()
        slots = self._slots
        deadline = time.monotonic() + _MAX_QUEUE
        while not slots.acquire(timeout=_LOOK):
            if self.is_paused:
                raise EngineUnavailable(_PAUSED)
            if time.monotonic() >= deadline:
                raise self._failed("too many operations at a time")
        # What hangs holds this thread, not the caller's.
        over = threading.Event()

        def run() -> T:
            try:
                return operation(client)
            finally:
                slots.release()
                over.set()

        if self.is_paused:
            slots.release()
            raise EngineUnavailable(_PAUSED)
        result = begin_in_thread(run)
        if not over.wait(_MAX_OPERATION):
            raise self._failed("no answer in time")
        try:
            return result()
        except Exception as error:
            raise self._failed(f"{type(error).__name__}: {error}") from None

    @property
    def is_paused(self) -> bool:
        """Whether the engine is left alone because it failed a moment ago."""
        return time.monotonic() - self._failed_at < PAUSE

    def close(self) -> None:
        """Close the connections, unless the client is the caller's; a later operation opens new ones."""
        with self._lock:
            client = self._client
            if isinstance(self._address, str):
                self._client = None
        if client is not None and isinstance(self._address, str):
            try:
                # Not `close`: older versions of redis-py leave the connections of the pool open.
                client.connection_pool.disconnect()
            except Exception as error:
                log.debug("cannot close the connections to %s: %s", self.place, type(error).__name__)

    def _failed(self, reason: str) -> EngineUnavailable:
        """Note a failure, and warn of the first."""
        with self._lock:
            self._failed_at = time.monotonic()
            is_first, self._warned = not self._warned, True
        reason = self._without_secrets(one_line(reason))
        tell = log.warning if is_first else log.debug
        tell("the shared cache at %s cannot be used (%s): going on without it", self.place, reason)
        return EngineUnavailable(reason)

    def _without_secrets(self, text: str) -> str:
        """`text` without the credentials of the address, which no client library should quote."""
        if not isinstance(self._address, str):
            return text
        try:
            options = self.client().connection_pool.connection_kwargs
        except (InvalidOption, AttributeError):
            return text
        for secret in (options.get("password"), options.get("ssl_password")):
            if secret and isinstance(secret, str):
                text = text.replace(secret, "***")
        return text
