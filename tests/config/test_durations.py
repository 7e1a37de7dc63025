from __future__ import annotations

import pytest

from cachediscovery.config.durations import format_age, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6h", 21600),
        ("1h30m", 5400),
        ("90s", 90),
        ("250ms", 0.25),
        ("1.5s", 1.5),
        ("0", 0),
        ("42", 42),
        ("1m1ms", 60.001),
    ],
)
def test_durations_use_gos_syntax_or_plain_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "h", "1x", "-1s", "1h-2m", "abc", "1..2s", "inf", "1 h", "٣"])
def test_an_invalid_duration_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (119, "119s"), (720, "12m"), (19800, "5h30m"), (14400, "4h"), (259200, "3d")]
)
def test_ages_are_printed_in_short_form(seconds: float, text: str) -> None:
    assert format_age(seconds) == text
