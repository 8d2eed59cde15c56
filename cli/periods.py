"""Times and durations: read from the command line, and written for a person. Pure; the present is passed in."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, timedelta

from tidegate.cli.terminal import Glyphs

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|[smhdw])", re.ASCII)
_LONGEST = 3650 * 86400.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_period(text: str) -> float:
    """Seconds of `15m`, `1h30m`, `2d`. Raises argparse.ArgumentTypeError, so it serves as a type of an argument."""
    seconds, position, stripped = 0.0, 0, text.strip()
    for match in _PART.finditer(stripped):
        if match.start() != position:
            break
        seconds += float(match[1]) * _UNITS[match[2]]
        position = match.end()
    if not stripped or position != len(stripped):
        raise argparse.ArgumentTypeError(f"{text!r} is no period: write for instance 90s, 15m, 1h30m, 2d or 1w")
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 1ms and ten years")
    return seconds


def begin_us(now_us: int, period: float | None) -> int | None:
    """When a period that ends now began, in µs; None stands for no limit."""
    return None if period is None else now_us - round(period * 1_000_000)


def duration(us: int | None, glyphs: Glyphs) -> str:
    """`850 µs`, `12.3 ms`, `3.45 s`, `2m 5s`, `3h 12m`: at most 8 columns up to 999 hours."""
    if us is None:
        return ""
    sign, us = ("-", -us) if us < 0 else ("", us)
    if us < 1000:
        return f"{sign}{us} {glyphs.micro}s" if us else "0"
    if us < 999_500:
        ms = us / 1000
        return f"{sign}{ms:.{2 if ms < 9.995 else 1 if ms < 99.95 else 0}f} ms"
    if us < 59_995_000:
        seconds = us / 1_000_000
        return f"{sign}{seconds:.{2 if seconds < 9.995 else 1}f} s"
    whole = round(us / 1_000_000)
    if whole < 3600:
        return f"{sign}{whole // 60}m {whole % 60}s"
    minutes = round(us / 60_000_000)
    return f"{sign}{minutes // 60}h {minutes % 60}m"


def ago(then_us: int, now_us: int) -> str:
    """`3 s ago`, `5 min ago`, `2 h ago`, `4 d ago`; what lies ahead (clocks differ) is `just now`."""
    seconds = (now_us - then_us) // 1_000_000
    if seconds < 1:
        return "just now"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (unit != "d" and seconds >= size):
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def moment(us: int) -> str:
    """`2025-01-01 10:00:00.123 UTC`."""
    try:
        text = (_EPOCH + timedelta(microseconds=us)).isoformat(sep=" ", timespec="milliseconds")
    except OverflowError:
        return f"{us} us after 1970"
    return text.replace("+00:00", " UTC")
