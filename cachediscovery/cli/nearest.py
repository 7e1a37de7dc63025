"""The words that a mistyped command or flag may stand for. kubectl (spf13/cobra) suggests the same for commands."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# cobra's `SuggestionsMinimumDistance`.
_MAX_DISTANCE = 2


def nearest(typed: str, words: Iterable[str]) -> list[str]:
    """Return the words that begin with `typed`, or differ from it by at most two letters, in any letter case.

    Of a short word at least half must be right.
    """
    typed = typed.lower()
    distance = min(_MAX_DISTANCE, len(typed) // 2)
    return [word for word in words if typed and (word.startswith(typed) or _distance(typed, word) <= distance)]


def _distance(one: str, other: str) -> int:
    """The number of letters to insert, remove or replace (Levenshtein)."""
    if abs(len(one) - len(other)) > _MAX_DISTANCE:
        return _MAX_DISTANCE + 1
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        above, row[0] = row[0], at
        for column, its in enumerate(other, 1):
            above, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, above + (letter != its))
    return row[-1]


def did_you_mean(words: Sequence[str]) -> str:
    """Return the lines that follow the error, as kubectl prints them; "" without words."""
    return "".join(["\n\nDid you mean this?", *(f"\n\t{word}" for word in words)]) if words else ""
