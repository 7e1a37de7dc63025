"""`TransportOptions`: the limits of a transport."""

from __future__ import annotations

import sys

from ..model.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self, TypedDict

    from ..config.arguments import Duration

    class TransportKeywords(TypedDict, total=False):
        """The fields of `TransportOptions` as keywords."""

        connect_timeout: Duration | None
        read_timeout: Duration | None
        max_document_bytes: int | None
        pool_size: int | None
        retries: int | None
        no_peer: bool | None


# Aggregated discovery fetches two documents concurrently.
CONNECTIONS_AHEAD = 2
# Sockets store time-outs as milliseconds in 32 bits.
_MAX_SECONDS = 2_000_000.0


class _Options(NamedTuple):
    connect_timeout: float = 5.0
    read_timeout: float = 32.0
    max_document_bytes: int = 64 << 20
    pool_size: int = 96
    retries: int | None = None
    no_peer: bool = False


class TransportOptions(_Options):
    """Time-outs, the document size limit in (decompressed) bytes, the number of open connections, retries, peers.

    A time-out is given in seconds, as a timedelta or as a duration such as "10s", and kept in seconds. None stands for
    the default. Raises `TypeError` for a wrong type, `InvalidOption` for a value that makes no sense.

    By default a request is only repeated where the server asks for it: a 429 or 5xx with `Retry-After`, at most four
    times, and 20 s of pauses in all. `retries` is the largest number of repetitions, 0 for none at all. With it,
    failed connections, time-outs, broken responses, and the statuses 429, 500, 502, 503 and 504 are tried again too,
    after a random pause that doubles each time, from 0.25 s to 8 s. None begins later than 20 s after the first
    request. Each is logged at INFO. Certificate errors and other statuses would be the same again.

    With `no_peer` discovery asks for what one API server serves itself, without its peers (client-go's
    `NoPeerDiscovery`). A client with it reads and writes no cache but its own memory.
    """

    __slots__ = ()

    def __new__(
        cls,
        connect_timeout: Duration | None = None,
        read_timeout: Duration | None = None,
        max_document_bytes: int | None = None,
        pool_size: int | None = None,
        retries: int | None = None,
        no_peer: bool | None = None,
    ) -> Self:
        """Check and convert every value that is not None."""
        given = locals()
        values = {name: given[name] for name in cls._fields if given[name] is not None}
        return super().__new__(cls, **{name: _checked(name, value) for name, value in values.items()})

    def bounded(self) -> TransportOptions:
        """Return a copy with values capped to what sockets and zlib accept."""
        return self._replace(
            connect_timeout=min(self.connect_timeout, _MAX_SECONDS),
            read_timeout=min(self.read_timeout, _MAX_SECONDS),
            max_document_bytes=min(self.max_document_bytes, sys.maxsize - 1),
        )

    def _replace(self, **keywords: Any) -> Self:
        return type(self)(**{**self._asdict(), **keywords})


def _checked(name: str, value: object) -> Any:
    from ..config import arguments

    if name.endswith("_timeout"):
        return arguments.seconds(name, value, is_limit=True)
    if name == "no_peer":
        return arguments.flag(name, value)
    return arguments.number(name, value, 0 if name == "retries" else 1)
