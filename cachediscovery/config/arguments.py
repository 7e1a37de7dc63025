"""What arguments are given as, and what they become: seconds, paths, texts, numbers.

A wrong type raises `TypeError`, a value that makes no sense `InvalidOption`. Both name the argument. Neither quotes a
text, which may be a secret. None is for an argument that is not given.
"""

from __future__ import annotations

import os

from ..model.errors import InvalidOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Any, Protocol, TypeAlias, TypeVar

    # Seconds, a timedelta, or a duration as kubectl's flags take it: "90s", "10m", "1h30m".
    Duration: TypeAlias = float | timedelta | str
    PathArgument: TypeAlias = str | os.PathLike[str]
    # A URL, or a client of redis-py or valkey-py, which are not always installed.
    SharedCacheArgument: TypeAlias = Any

    class Options(Protocol):
        """A named tuple whose constructor checks its arguments."""

        _fields: Any

        def __init__(self, **keywords: Any) -> None: ...

        def _replace(self, **keywords: Any) -> Any: ...

    T = TypeVar("T", bound=Options)


def seconds(name: str, value: object, *, is_limit: bool = False) -> float:
    """The seconds of a `Duration`. One that `is_limit` may not be zero."""
    # Not isinstance: importing datetime takes longer than all of this.
    total = getattr(value, "total_seconds", None)
    if isinstance(value, str):
        from .durations import parse_duration

        try:
            found = parse_duration(value)
        except ValueError as error:
            raise InvalidOption(f"{name}: {error}") from error
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        # Python's largest integers are no floats.
        found = value if isinstance(value, float) else float(max(-1, min(value, 10**18)))
    elif callable(total):
        found = float(total())
    else:
        raise _wrong_type(name, "seconds, a timedelta or a duration such as '10m'", value)
    if not found >= 0 or (is_limit and not found):
        raise InvalidOption(f"{name} must be {'more than 0' if is_limit else '0 or more'} seconds, not {found:g}")
    return found


def path(name: str, value: object) -> str:
    """The path of a `PathArgument`, with `~` expanded."""
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(found, str):
        raise _wrong_type(name, "a path (str or os.PathLike)", value)
    if "\0" in found:
        raise InvalidOption(f"{name} has a character that no path can have: NUL")
    return os.path.expanduser(found)


def text(name: str, value: object) -> str:
    """`value`, which must be a str."""
    if not isinstance(value, str):
        raise _wrong_type(name, "a str", value)
    return value


def texts(name: str, value: object) -> tuple[str, ...]:
    """The strings of a list, tuple or set."""
    found = tuple(value) if isinstance(value, (list, tuple, set, frozenset)) else None
    if found is None or not all(isinstance(item, str) for item in found):
        raise _wrong_type(name, "a list of str", value)
    return found


def flag(name: str, value: object) -> bool:
    """`value`, which must be a bool."""
    if not isinstance(value, bool):
        raise _wrong_type(name, "True or False", value)
    return value


def number(name: str, value: object, least: int) -> int:
    """`value`, which must be an int of at least `least`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(name, "an int", value)
    if value < least:
        raise InvalidOption(f"{name} must be {least} or more, not {value}")
    return value


def instance(name: str, value: object, kind: type, hint: str = "") -> None:
    """Raise `TypeError` unless `value` is an object of `kind`. `hint` says where to get one."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise _wrong_type(name, f"{article} {kind.__name__}{f' ({hint})' if hint else ''}", value)


def split(keywords: Mapping[str, object], *kinds: type[Options]) -> list[dict[str, Any]]:
    """The keywords of each of several named tuples. Raises `TypeError`, with the nearest name, for any other."""
    names = [name for kind in kinds for name in kind._fields]
    for name in keywords:
        if name not in names:
            from difflib import get_close_matches

            nearest = get_close_matches(name, names, 1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"use one of {', '.join(names)}"
            raise TypeError(f"unexpected keyword {name!r}: {hint}")
    return [{name: value for name, value in keywords.items() if name in kind._fields} for kind in kinds]


def merged(name: str, kind: type[T], given: T | None, keywords: Mapping[str, object]) -> T:
    """The options of a function with an argument `name` for all, and a keyword for each."""
    fields = split(keywords, kind)[0]
    if given is None:
        return kind(**fields)
    instance(name, given, kind)
    replaced: T = given._replace(**fields)
    return replaced


def _wrong_type(name: str, takes: str, value: object) -> TypeError:
    return TypeError(f"{name} takes {takes}, not {type(value).__name__}")
