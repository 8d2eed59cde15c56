"""Time strings: RFC 3339 in the forms that intake-to-documents.md section 3 lists, without clock or time zone data."""

from __future__ import annotations

import re

_FORM = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?"
    r"(?:Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)"
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_EPOCH_DAY = 719_468
"""Days from 0000-03-01 to 1970-01-01."""


def _days_of_month(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _DAYS[month - 1]


def _days_since_epoch(year: int, month: int, day: int) -> int:
    """Counts in years that begin in March, so that the leap day comes last; knows the year 0, which datetime does not."""
    if month < 3:
        year -= 1
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year * 365 + year // 4 - year // 100 + year // 400 + day_of_year - _EPOCH_DAY


def parse_time(text: str) -> int:
    """µs since the epoch, the rest of the fraction cut off. Offset `Z`, `+hh:mm`, `+hhmm` or `+hh`. Raises ValueError."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 time")
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    fraction, sign, offset_hours, offset_minutes = match.group(7, 8, 9, 10)
    east = int(offset_hours or 0), int(offset_minutes or 0)
    if not (
        1 <= month <= 12
        and 1 <= day <= _days_of_month(year, month)
        and hour < 24
        and minute < 60
        and second < 60
        and east[0] <= 24
        and east[1] <= 60
    ):
        raise ValueError("out of range")
    offset = (east[0] * 60 + east[1]) * 60
    seconds = _days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    seconds += offset if sign == "-" else -offset
    return seconds * 1_000_000 + int((fraction or "")[:6].ljust(6, "0"))
