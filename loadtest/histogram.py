"""Counts of durations in buckets whose width grows with the value, as HDR histograms have them: percentiles within 0.8 %,
whatever the range, in a few KiB. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_BITS = 7
_FINE = 1 << _BITS
"""Buckets for each doubling: a bucket is less than 1/128 of its value wide."""


class Histogram:
    """Of whole µs."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.largest = 0
        self._sum = 0

    def add(self, microseconds: int, times: int = 1) -> None:
        """Counts a duration; negative ones count as 0."""
        value = max(microseconds, 0)
        bucket = _bucket(value)
        self._counts[bucket] = self._counts.get(bucket, 0) + times
        self.count += times
        self._sum += value * times
        self.largest = max(self.largest, value)

    def merge(self, other: Histogram) -> None:
        """Adds all that the other one has counted."""
        for bucket, times in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + times
        self.count += other.count
        self._sum += other._sum
        self.largest = max(self.largest, other.largest)

    @property
    def mean(self) -> float:
        """In µs; 0 without values."""
        return self._sum / self.count if self.count else 0.0

    def percentile(self, percent: float) -> int:
        """µs that so many percent of the values do not exceed; 0 without values."""
        wanted = self.count * percent / 100
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= wanted and seen:
                return min(_upper(bucket), self.largest)
        return self.largest

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Upper end of each bucket in µs, and how many values it holds; smallest first."""
        for bucket in sorted(self._counts):
            yield min(_upper(bucket), self.largest), self._counts[bucket]

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, int]]) -> Histogram:
        """From what `pairs` gave."""
        made = cls()
        for value, times in pairs:
            made.add(value, times)
        return made


def _bucket(value: int) -> int:
    shift = max(value.bit_length() - _BITS - 1, 0)
    return (shift << _BITS) + (value >> shift)


def _upper(bucket: int) -> int:
    shift = max((bucket >> _BITS) - 1, 0)
    mantissa = bucket - (shift << _BITS)
    return ((mantissa + 1) << shift) - 1
