"""The table of recent fetches in a cluster's folder: documents with these dates were requested then."""

from __future__ import annotations

import os

from .files import overwrite, read_part, to_nanoseconds

FETCHES_FILE = ".cachediscovery.fetches"
# The number of slots, each with the time of one fetch.
_NOTES = 509
_NOTE = b"%020d\n"


def note_fetch(folder: str, asked_at: float) -> None:
    """Note a fetch that began at `asked_at` (seconds since the epoch)."""
    moment = to_nanoseconds(asked_at)
    overwrite(os.path.join(folder, FETCHES_FILE), _NOTE % moment, _place_of(moment))


def was_fetch(folder: str, moment: int) -> bool:
    """Whether any process recently noted a fetch at `moment` (nanoseconds since the epoch)."""
    note = _NOTE % moment
    return read_part(os.path.join(folder, FETCHES_FILE), _place_of(moment), len(note)) == note


def _place_of(moment: int) -> int:
    """The offset of a fetch in the file. A later fetch may overwrite it, which only costs time."""
    return moment % _NOTES * len(_NOTE % 0)
