"""Which moments share a log file."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from tidegate.daemon.telemetry.rotation import DAY, HOUR, MINUTE, MONTH, WEEK, YEAR, stretch

HERE = timezone(timedelta(hours=5, minutes=45))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HERE)


@pytest.mark.parametrize(
    ("interval", "last", "first"),
    [
        (MINUTE, "2026-03-01T12:30:59.999", "2026-03-01T12:31:00"),
        (HOUR, "2026-03-01T12:59:59.999", "2026-03-01T13:00:00"),
        (DAY, "2026-03-01T23:59:59.999", "2026-03-02T00:00:00"),
        (WEEK, "2026-03-01T23:59:59.999", "2026-03-02T00:00:00"),  # a Sunday, a Monday
        (MONTH, "2026-02-28T23:59:59.999", "2026-03-01T00:00:00"),
        (YEAR, "2025-12-31T23:59:59.999", "2026-01-01T00:00:00"),
        (7200.0, "2026-03-01T13:44:59.999", "2026-03-01T13:45:00"),  # 08:00 UTC
    ],
)
def test_a_new_one_begins(interval: float, last: str, first: str) -> None:
    before, after = at(last), at(first)
    assert stretch(before, interval) != stretch(after, interval)
    assert stretch(before - timedelta(seconds=50), interval) == stretch(before, interval)
    assert stretch(after + timedelta(seconds=50), interval) == stretch(after, interval)
