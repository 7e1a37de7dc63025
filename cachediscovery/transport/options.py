"""`TransportOptions`: the limits of a transport."""

from __future__ import annotations

import sys

from ..model.records import NamedTuple

# Aggregated discovery fetches two documents concurrently.
CONNECTIONS_AHEAD = 2
# Sockets store time-outs as milliseconds in 32 bits.
_MAX_SECONDS = 2_000_000.0


class TransportOptions(NamedTuple):
    """Time-outs in seconds, the document size limit in (decompressed) bytes, the number of open connections."""

    connect_timeout: float = 5.0
    read_timeout: float = 32.0
    max_document_bytes: int = 64 << 20
    pool_size: int = 96

    def bounded(self) -> TransportOptions:
        """Return a copy with values capped to what sockets and zlib accept."""
        return self._replace(
            connect_timeout=min(self.connect_timeout, _MAX_SECONDS),
            read_timeout=min(self.read_timeout, _MAX_SECONDS),
            max_document_bytes=min(self.max_document_bytes, sys.maxsize - 1),
        )
