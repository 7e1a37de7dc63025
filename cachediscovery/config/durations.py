"""Durations as Kubernetes tools write them: `6h`, `1h30m`, `90s`, `250ms`, or plain seconds."""

from __future__ import annotations

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}

_MAX_SECONDS = 2.0**63 / 1e9


def parse_duration(text: str) -> float:
    """Parse a duration (Go's `time.ParseDuration`, or a number) to seconds. Raises `ValueError`, also if negative."""
    text = text.strip()
    if _is_number(text):
        return _within_bounds(float(text), text)
    seconds, rest = 0.0, text
    while rest:
        number = rest[: len(rest) - len(rest.lstrip("0123456789."))]
        rest = rest[len(number) :]
        unit = rest[: len(rest) - len(rest.lstrip("hmsuµn"))]
        # In "1h30m" a number always separates two units.
        rest = rest[len(unit) :]
        if not _is_number(number) or unit not in _UNITS:
            raise ValueError(f"{text!r} is not a duration: write 90s, 10m or 6h")
        seconds += float(number) * _UNITS[unit]
    if not text:
        raise ValueError("an empty duration: write 90s, 10m or 6h")
    return _within_bounds(seconds, text)


def _within_bounds(seconds: float, text: str) -> float:
    # Go stores nanoseconds in 63 bits.
    if seconds >= _MAX_SECONDS:
        raise ValueError(f"{text[:40]!r} is longer than 292 years: write 90s, 10m or 6h")
    return seconds


def format_age(seconds: float) -> str:
    """Format an age for users: `45s`, `12m`, `5h30m`, `3d`."""
    whole = int(seconds)
    if whole < 120:
        return f"{whole}s"
    if whole < 3 * 3600:
        return f"{whole // 60}m"
    if whole < 48 * 3600:
        hours, minutes = whole // 3600, whole % 3600 // 60
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    return f"{whole // 86400}d"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and text.isascii()
