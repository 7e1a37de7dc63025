"""`RecordStore`: one cluster's records in the engine.

Ages are measured by the engine's clock. All records carry the generation under which they were requested: a token in
the engine that every invalidation replaces. A record of another generation is void, so nothing older than an
invalidation can be used, even if a request was under way, or the engine has lost its memory in between.
"""

from __future__ import annotations

import os
import time
from hashlib import sha256

from .. import _log as log
from .._concurrency import Lock
from ..model.fields import MalformedDocument
from ..model.records import NamedTuple
from .records import MAX_RECORD_BYTES, Stamp, decode_record, encode_record, stamp_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from .engine import Engine
    from .records import Record

_PREFIX = "cachediscovery:1"
# The longest that anything stays in the engine, in seconds.
_MAX_EXPIRY = 30 * 86400.0
_DIGEST_DIGITS = 32

# Keys: the generation, a record. Arguments: what to make a new generation of if there is none ("": none is made), the
# milliseconds for which it stays, the most bytes of a record. What others have put in their place counts as missing.
_LOOK = """
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
local generation = redis.pcall('GET', KEYS[1])
if type(generation) ~= 'string' or #generation > 64 or not string.find(generation, '^%d+%-[ci]%x+$') then
  generation = ''
  if ARGV[1] ~= '' then
    generation = now .. '-c' .. ARGV[1]
    redis.call('SET', KEYS[1], generation, 'PX', ARGV[2])
  end
end
local data = ''
if KEYS[2] then
  local size = redis.pcall('STRLEN', KEYS[2])
  if type(size) == 'number' and size > 0 and size <= tonumber(ARGV[3]) then data = redis.call('GET', KEYS[2]) end
end
return {now, generation, data}
"""
# Keys: the generation, a record, the names. Arguments: the record's generation, when it was requested, its
# milliseconds, its bytes, its name. It replaces only one that was requested before it, or that is void.
_PUT = """
local time = redis.call('TIME')
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local head = redis.pcall('GETRANGE', KEYS[2], 0, 63)
if type(head) == 'string' then
  local generation, asked = string.match(head, '^1 (%d+%-[ci]%x+) (%d+)\\n')
  asked = tonumber(asked)
  if generation == ARGV[1] and asked >= tonumber(ARGV[2]) and asked <= time[1] * 1000000 + time[2] then return 0 end
end
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
if type(redis.pcall('SADD', KEYS[3], ARGV[5])) ~= 'number' then
  redis.call('DEL', KEYS[3])
  redis.call('SADD', KEYS[3], ARGV[5])
end
for _, key in ipairs({KEYS[1], KEYS[3]}) do
  if redis.call('PTTL', key) < tonumber(ARGV[3]) then redis.call('PEXPIRE', key, ARGV[3]) end
end
return 1
"""
# Key: the generation. Arguments: what to make the new one of, its milliseconds.
_INVALIDATE = """
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('SET', KEYS[1], now .. '-i' .. ARGV[1], 'PX', ARGV[2])
return now .. '-i' .. ARGV[1]
"""


class Dated(NamedTuple):
    """A record, and when it was requested: in seconds since the epoch, and on the monotonic clock, never too late."""

    record: Record
    at: float
    moment: float


class Seen(NamedTuple):
    """What the engine said: its clock in microseconds, the generation, a record's bytes, and this machine's clocks."""

    now: int
    generation: str
    data: bytes
    at: float
    moment: float

    def age(self, stamp: Stamp) -> float:
        """The age of a record in seconds."""
        return (self.now - stamp.asked) / 1e6


class _Known(NamedTuple):
    """The generation seen last, the moment of the invalidation it began with, and when it was asked for."""

    generation: str = ""
    invalidated_at: float = float("-inf")
    seen_at: float = float("-inf")


class RecordStore:
    """The records of one cluster. Safe for use by several threads. All methods raise `EngineUnavailable`."""

    def __init__(self, engine: Engine, server: str, trust_fingerprint: str, name: str = "") -> None:
        """The records of the cluster with this fingerprint at `server`, or, whatever its URL, with this `name`."""
        self.engine = engine
        self.cluster: dict[str, str] = {"fingerprint": trust_fingerprint, "name": name, "url": "" if name else server}
        material = "\0".join(self.cluster[part] for part in sorted(self.cluster))
        # The braces keep all keys of a cluster on one node of Redis Cluster.
        self.prefix: str = f"{_PREFIX}:{{{sha256(material.encode()).hexdigest()[:_DIGEST_DIGITS]}}}"
        # Called with the moment, on the monotonic clock, of an invalidation that others have noted in the engine.
        self.on_invalidated: Callable[[float], None] = lambda _: None
        self._lock = Lock()
        self._made_at = time.monotonic()
        # Replaced as a whole.
        self._known = _Known()
        # The moment of an invalidation that the engine could not be told of.
        self._owed: float | None = None

    @property
    def channel(self) -> str:
        """The channel on which news of this cluster are published."""
        return f"{self.prefix}:news"

    def key(self, name: str) -> str:
        """The key of a record in the engine."""
        return f"{self.prefix}:record:{name}"

    def see(self, name: str = "", *, begin: bool = False) -> Seen:
        """Read a record, or the generation alone; `begin` makes a generation if there is none."""
        owed = self._owed
        if owed is not None:
            self.invalidate(owed)
        keys = [self._generation_key, *([self.key(name)] if name else [])]
        arguments = [_token() if begin else "", _milliseconds(_MAX_EXPIRY), MAX_RECORD_BYTES]
        at, moment = time.time(), time.monotonic()
        found = self.engine.call(lambda client: client.eval(_LOOK, len(keys), *keys, *arguments))
        seen = Seen(int(found[0]), _text(found[1]), bytes(found[2]), at, moment)
        self._note_generation(seen)
        return seen

    def usable(self, seen: Seen, name: str, ttl: float, since: float) -> Dated | None:
        """The record that was read, if it is younger than `ttl` and was requested at or after `since`."""
        stamp = stamp_of(seen.data)
        if stamp is None or not seen.generation or stamp.generation != seen.generation:
            return None
        age = seen.age(stamp)
        if not 0 <= age < ttl:
            return None
        moment, known = seen.moment - age, self._known
        if stamp.generation == known.generation:
            # Clocks are compared with the uncertainty of a round trip, generations are not: the record was requested
            # after the invalidation that its generation began with.
            if moment < since != known.invalidated_at:
                return None
            moment = max(moment, known.invalidated_at)
        elif moment < since:
            return None
        try:
            return Dated(decode_record(seen.data, self.cluster, name), seen.at - age, moment)
        except MalformedDocument as error:
            log.debug("cache miss: the record %r of the shared cache at %s: %s", name, self.engine.place, error)
            return None

    def put(self, name: str, record: Record, began: Seen, expiry: float) -> bool:
        """Keep for `expiry` seconds a record requested after `began`, unless there is a later one; whether it was."""
        stamp = Stamp(began.generation, began.now)
        data = encode_record(record, self.cluster, stamp)
        if not stamp.generation or expiry <= 0 or len(data) > MAX_RECORD_BYTES:
            return False
        keys = [self._generation_key, self.key(name), self._names_key]
        arguments = [*stamp, _milliseconds(expiry), data, name]
        return bool(self.engine.call(lambda client: client.eval(_PUT, len(keys), *keys, *arguments)))

    def invalidate(self, moment: float) -> None:
        """Use nothing older than now on any machine, and tell them. `moment` is this client's own invalidation.

        If the engine is unavailable, that is made up for as soon as it is there again.
        """
        self._owed = moment
        arguments = [_token(), _milliseconds(_MAX_EXPIRY)]
        found = self.engine.call(lambda client: client.eval(_INVALIDATE, 1, self._generation_key, *arguments))
        with self._lock:
            self._known = _Known(_text(found), moment, time.monotonic())
            if self._owed == moment:
                self._owed = None
        self.publish("")

    def publish(self, message: str) -> None:
        """Tell all who listen: "" is an invalidation."""
        self.engine.call(lambda client: client.publish(self.channel, message))

    def names(self) -> list[str]:
        """The names of the records that may be there."""
        return sorted(_text(name) for name in self.engine.call(lambda client: client.smembers(self._names_key)))

    def clear(self) -> int:
        """Remove everything of the cluster; how many records there were."""
        removed = self.remove(self.names())
        self.engine.call(lambda client: client.delete(self._generation_key, self._names_key))
        return removed

    def remove(self, names: Sequence[str]) -> int:
        """Remove records; how many there were."""
        keys = [self.key(name) for name in names]
        return int(self.engine.call(lambda client: client.delete(*keys))) if keys else 0

    @property
    def _generation_key(self) -> str:
        return f"{self.prefix}:generation"

    @property
    def _names_key(self) -> str:
        return f"{self.prefix}:names"

    def _note_generation(self, seen: Seen) -> None:
        """Tell of an invalidation by others: it was after the last look, or, before the first, after this was made."""
        if not seen.generation or seen.generation == self._known.generation:
            return
        began, _, token = seen.generation.partition("-")
        # The latest moment at which it can have been.
        moment = time.monotonic() - (seen.now - int(began)) / 1e6
        with self._lock:
            known = self._known
            if seen.generation == known.generation or seen.moment < known.seen_at:
                return
            # An engine that has lost its memory may have lost an invalidation too.
            is_news = bool(known.generation) or (token.startswith("i") and moment >= self._made_at)
            self._known = _Known(seen.generation, moment if is_news else float("-inf"), seen.moment)
        if is_news:
            log.info("another client has invalidated what the shared cache at %s holds", self.engine.place)
            self.on_invalidated(moment)


def records_of(engine: Engine, server: str, trust_fingerprint: str, name: str) -> RecordStore | None:
    """The records of a cluster; None if nothing tells it from others.

    `http://localhost:8080` is another cluster on every machine.
    """
    return RecordStore(engine, server, trust_fingerprint, name) if trust_fingerprint or name else None


def _token() -> str:
    return os.urandom(8).hex()


def _milliseconds(seconds: float) -> int:
    return max(1, int(min(seconds, _MAX_EXPIRY) * 1000))


def _text(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
