"""Command-line flags by kubectl's rules (spf13/pflag). Importing `argparse` instead would cost 8 ms."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Kinds of flag values.
BOOL = "bool"
TEXT = "string"
# Repeatable. SLICE values are also split at commas.
ARRAY = "stringArray"
SLICE = "strings"
# A number that may be omitted.
LEVEL = "level"

_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))


class UsageError(Exception):
    """The command line is invalid; the message says why. `nearest` are the words that may have been meant."""

    def __init__(self, message: str, nearest: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.nearest: Sequence[str] = nearest


class Flag:
    """One flag: long name, kind of value, help text, short letter, values for completion, another long name.

    `scope` is what a global flag is about: a command that has nothing to do with it refuses the flag.
    """

    __slots__ = ("alias", "choices", "help", "kind", "letter", "name", "scope")

    def __init__(
        self,
        name: str,
        kind: str,
        help: str,
        letter: str = "",
        choices: Sequence[str] = (),
        *,
        alias: str = "",
        scope: str = "",
    ) -> None:
        self.name: str = name
        self.kind: str = kind
        self.help: str = help
        self.letter: str = letter
        self.choices: Sequence[str] = choices
        self.alias: str = alias
        self.scope: str = scope


class Parsed:
    """A parsed command line. A flag that was not given has its kind's zero value."""

    __slots__ = ("_values", "arguments")

    def __init__(self, values: dict[str, list[str]], arguments: list[str]) -> None:
        self._values = values
        self.arguments: list[str] = arguments

    def given(self, name: str) -> bool:
        """Return whether the flag was given."""
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """Return the last value of the flag, `default` if it was not given."""
        return self._values[name][-1] if name in self._values else default

    def flag(self, name: str) -> bool:
        """Return whether the flag is true."""
        return self.text(name) in _TRUE

    def texts(self, name: str) -> tuple[str, ...]:
        """Return all values of the flag."""
        return tuple(self._values.get(name, ()))


def parse(argv: Sequence[str], flags: Iterable[Flag]) -> Parsed:
    """Parse `argv`. Flags and arguments may be mixed; `--` ends the flags. Raises `UsageError`."""
    by_name = {flag.name: flag for flag in flags}
    by_letter = {flag.letter: flag for flag in by_name.values() if flag.letter}
    by_name.update({flag.alias: flag for flag in by_letter.values() if flag.alias})
    values: dict[str, list[str]] = {}
    arguments: list[str] = []
    waiting = list(reversed(argv))
    while waiting:
        word = waiting.pop()
        if word == "--":
            arguments += reversed(waiting)
            break
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name not in by_name:
                from .nearest import nearest

                raise UsageError(f"unknown flag: --{name}", [f"--{near}" for near in nearest(name, by_name)])
            _take(by_name[name], value if equals else None, waiting, values, f"--{name}")
        elif word.startswith("-") and word != "-":
            _take_letters(word, by_letter, waiting, values)
        else:
            arguments.append(word)
    return Parsed(values, arguments)


def _take_letters(word: str, by_letter: dict[str, Flag], waiting: list[str], values: dict[str, list[str]]) -> None:
    """Parse `-o wide`, `-owide`, `-o=wide`. Letters without a value may be combined."""
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter not in by_letter:
            raise UsageError(f"unknown shorthand flag: {letter!r} in {word}")
        flag = by_letter[letter]
        if letters.startswith("="):
            value: str | None = letters[1:]
        elif letters and (flag.kind != BOOL and (flag.kind != LEVEL or letters.isdecimal())):
            value = letters
        else:
            _take(flag, None, waiting, values, f"{letter!r} in {word}")
            continue
        _take(flag, value, waiting, values, f"{letter!r} in {word}")
        return


def _take(flag: Flag, value: str | None, waiting: list[str], values: dict[str, list[str]], shown: str) -> None:
    if value is None:
        if flag.kind == BOOL:
            value = "true"
        elif flag.kind == LEVEL:
            value = waiting.pop() if waiting and waiting[-1].isdecimal() else "1"
        elif waiting:
            value = waiting.pop()
        else:
            raise UsageError(f"flag needs an argument: {shown}")
    if flag.kind == BOOL and value not in _TRUE and value not in _FALSE:
        raise UsageError(f'invalid argument "{value}" for "--{flag.name}" flag: must be true or false')
    if flag.kind == LEVEL and not (value.isdecimal() and len(value) < 10):
        raise UsageError(
            f'invalid argument "{value[:40]}" for "--{flag.name}" flag: must be a number of at most nine digits'
        )
    if flag.kind in (SLICE, ARRAY):
        # Like kubectl: `--verbs=` is an empty list.
        parts = value.split(",") if flag.kind == SLICE else [value]
        values.setdefault(flag.name, []).extend(part for part in parts if part or flag.kind == ARRAY)
    else:
        values.setdefault(flag.name, []).append(value)


def duration(text: str, source: str) -> float:
    """The seconds of a duration such as `90s` or `6h`. Raises `UsageError`, which names its `source`."""
    from ..config.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{source}: {error}") from error
