"""The table of the latest fetches in a cluster's folder: documents dated so were asked for then, not just written."""

from __future__ import annotations

import os

from .files import overwrite, read_part, to_nanoseconds

FETCHES_FILE = ".cachediscovery.fetches"
# The moments of that many fetches, each in a place of its own.
_NOTES = 509
_NOTE = b"%020d\n"


def note_fetch(folder: str, asked_at: float) -> None:
    """Note a fetch that began at `asked_at` (seconds since the epoch)."""
    moment = to_nanoseconds(asked_at)
    overwrite(os.path.join(folder, FETCHES_FILE), _NOTE % moment, _place_of(moment))


def was_fetch(folder: str, moment: int) -> bool:
    """Whether a fetch at `moment` (nanoseconds since the epoch) was noted, by any process, not long ago."""
    note = _NOTE % moment
    return read_part(os.path.join(folder, FETCHES_FILE), _place_of(moment), len(note)) == note


def _place_of(moment: int) -> int:
    """Where in the file a fetch is noted: what is overwritten by a later one costs time only."""
    return moment % _NOTES * len(_NOTE % 0)
