"""Periods from the command line, and times for people."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tidegate.cli.periods import ago, begin_us, duration, moment, parse_period
from tidegate.cli.terminal import ASCII, UNICODE


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15m", 900),
        ("90s", 90),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1w", 604_800),
        ("250ms", 0.25),
        ("1.5h", 5400),
        (" 10m ", 600),
        ("1m500ms", 60.5),
        ("3650d", 315_360_000),
        *[
            (text, None)
            for text in ("", " ", "15", "m", "15 m", "-5m", "5x", "5m!", "m5", "1h,30m", "0s", "1e3s", "٣m", "3651d")
        ],
        ("9" * 5000 + "s", None),
    ],
)
def test_parse_period(text: str, seconds: float | None) -> None:
    if seconds is None:
        with pytest.raises(argparse.ArgumentTypeError):
            parse_period(text)
    else:
        assert parse_period(text) == pytest.approx(seconds)


@given(some.text())
def test_parse_period_has_one_error(text: str) -> None:
    try:
        assert parse_period(text) > 0
    except argparse.ArgumentTypeError:
        pass


def test_begin_us() -> None:
    assert begin_us(10_000_000, None) is None
    assert begin_us(10_000_000, 2.5) == 7_500_000


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (None, ""),
        (0, "0"),
        (1, "1 µs"),
        (999, "999 µs"),
        (1000, "1.00 ms"),
        (9_994, "9.99 ms"),
        (9_996, "10.0 ms"),
        (12_345, "12.3 ms"),
        (284_299, "284 ms"),
        (999_499, "999 ms"),
        (999_500, "1.00 s"),
        (59_994_000, "60.0 s"),
        (59_995_000, "1m 0s"),
        (125_000_000, "2m 5s"),
        (3_599_600_000, "1h 0m"),
        (11_520_000_000, "3h 12m"),
        (-1500, "-1.50 ms"),
    ],
)
def test_duration(us: int | None, text: str) -> None:
    assert duration(us, UNICODE) == text
    assert duration(us, ASCII) == text.replace("µ", "u")


@given(some.integers(0, 999 * 3_600_000_000))
def test_duration_is_short(us: int) -> None:
    assert len(duration(us, UNICODE)) <= 8


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (0, "just now"),
        (1, "1 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86_400, "24 h ago"),
        (172_799, "47 h ago"),
        (172_800, "2 d ago"),
    ],
)
def test_ago(seconds: int, text: str) -> None:
    assert ago(100_000_000_000_000 - seconds * 1_000_000, 100_000_000_000_000) == text


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (1_735_725_600_123_456, "2025-01-01 10:00:00.123 UTC"),
        (-1, "1969-12-31 23:59:59.999 UTC"),
        (2**62, f"{2**62} us after 1970"),
    ],
)
def test_moment(us: int, text: str) -> None:
    assert moment(us) == text
