"""What a shared cache holds of a cluster, for `cache info`, `prune` and `verify`."""

from __future__ import annotations

from ..model.fields import MalformedDocument
from ..model.records import NamedTuple
from .records import Record, decode_record, stamp_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .record_store import RecordStore


class RecordEntry(NamedTuple):
    """A record in the engine: its name, bytes and age in seconds. `record` is None if it is void or broken."""

    name: str
    size: int
    age: float
    record: Record | None


def entries_of(records: RecordStore) -> list[RecordEntry]:
    """The records of a cluster. Raises `EngineUnavailable`."""
    found = []
    for name in records.names():
        seen = records.see(name)
        stamp = stamp_of(seen.data)
        if not seen.data:
            # Expired, or evicted.
            continue
        record = None
        if stamp is not None and stamp.generation == seen.generation and seen.age(stamp) >= 0:
            try:
                record = decode_record(seen.data, records.cluster, name)
            except MalformedDocument:
                pass
        found.append(RecordEntry(name, len(seen.data), seen.age(stamp) if stamp is not None else 0.0, record))
    return found
