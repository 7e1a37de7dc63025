"""Values as Go prints them: JSON values by `fmt.Print`, strings by `strconv.Quote`."""

from __future__ import annotations

from ...model.fields import MalformedDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ESCAPES = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v", "\\": "\\", '"': '"'}
# From this exponent of ten on, and below that of `_LEAST`, Go's `%v` writes a number with an exponent.
_MOST, _LEAST = 6, -4


def printed(value: Any) -> str:
    """A JSON value as a Go template prints it."""
    return "<no value>" if value is None else _printed(value)


def _printed(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(_printed, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join([f'{key}:{_printed(value[key])}' for key in sorted(value)])}]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number(value)


def _number(value: float) -> str:
    """A number, which Go reads as a double, with the fewest digits that tell it from others."""
    try:
        text = repr(float(value))
    except OverflowError:
        text = "inf"
    if not text[-1].isdigit():
        raise MalformedDocument("it has a number that is too large")
    sign = "-" if text.startswith("-") else ""
    mantissa, _, exponent_text = text.removeprefix("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = int(exponent_text or 0) + len(whole) - 1 - (len(whole) + len(fraction) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return f"{sign}0"
    if not _LEAST <= exponent < _MOST:
        rest = f".{digits[1:]}" if digits[1:] else ""
        return f"{sign}{digits[0]}{rest}e{'-' if exponent < 0 else '+'}{abs(exponent):02}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    digits = digits.ljust(exponent + 1, "0")
    return sign + ".".join(filter(None, (digits[: exponent + 1], digits[exponent + 1 :])))


def quoted(text: str) -> str:
    """`text` between double quotes, with escapes for what is not printable."""
    return f'"{"".join(map(_escaped, text))}"'


def is_printable(character: str) -> bool:
    """Go's `unicode.IsPrint`."""
    if character.isascii():
        return " " <= character <= "~"
    from unicodedata import category

    return category(character)[0] in "LMNPS"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return f"\\{_ESCAPES[character]}"
    if is_printable(character):
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
