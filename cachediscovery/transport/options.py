"""`TransportOptions`: the bounds of a transport."""

from __future__ import annotations

from ..records import NamedTuple

# Aggregated discovery is two documents, asked for at the same time.
CONNECTIONS_AHEAD = 2


class TransportOptions(NamedTuple):
    """Time-outs in seconds, the largest document in (decompressed) bytes, open connections."""

    connect_timeout: float = 5.0
    read_timeout: float = 32.0
    max_document_bytes: int = 64 << 20
    pool_size: int = 96
