"""Time strings: intake-to-documents.md section 3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.workers.decode.times import parse_time

GOOD = [
    ("1970-01-01T00:00:00Z", 0),
    ("2025-03-04T05:06:07.123456+01:00", 1741061167123456),
    ("2025-03-04T05:06:07.123456+0100", 1741061167123456),
    ("2025-03-04T05:06:07.123456+01", 1741061167123456),
    ("2025-03-04T04:06:07.1234569999Z", 1741061167123456),
    ("2025-03-04T04:06:07,5Z", 1741061167500000),
    ("2025-03-04T4:06:07Z", 1741061167000000),
    ("1969-12-31T23:59:59.5Z", -500000),
    ("0000-02-29T00:00:00Z", -62162121600000000),
    ("0000-01-01T00:00:00-00:00", -62167219200000000),
    ("9999-12-31T23:59:59Z", 253402300799000000),
    ("2024-02-29T00:00:00Z", 1709164800000000),
]

BAD = [
    "",
    "yesterday",
    "2025-01-01",
    "2025-01-01T00:00:00",
    "2025-01-01 00:00:00Z",
    "2025-01-01t00:00:00Z",
    "2025-01-01T00:00:00z",
    "2025-01-01T00:00Z",
    "2025-1-01T00:00:00Z",
    "2025-13-01T00:00:00Z",
    "2025-00-01T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2025-01-00T00:00:00Z",
    "2025-01-01T24:00:00Z",
    "2025-01-01T00:60:00Z",
    "2025-01-01T00:00:60Z",
    "2025-01-01T00:00:00.Z",
    "2025-01-01T00:00:00+25:00",
    "2025-01-01T00:00:00+1",
    "2025-01-01T00:00:00Z ",
    "２０２５-01-01T00:00:00Z",
]


@pytest.mark.parametrize(("text", "microseconds"), GOOD)
def test_good(text: str, microseconds: int) -> None:
    assert parse_time(text) == microseconds


@pytest.mark.parametrize("text", BAD)
def test_bad(text: str) -> None:
    with pytest.raises(ValueError, match=r"not an RFC 3339 time|out of range"):
        parse_time(text)


@given(
    st.datetimes(timezones=st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))),
)
def test_as_the_standard_library_says(moment: datetime) -> None:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_time(moment.isoformat()) == since // timedelta(microseconds=1)
