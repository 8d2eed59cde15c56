from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given
from tidegate.loadtest.histogram import Histogram

DURATIONS = st.lists(st.integers(0, 10**9), min_size=1, max_size=200)


def of(values: list[int]) -> Histogram:
    made = Histogram()
    for value in values:
        made.add(value)
    return made


@given(DURATIONS, st.floats(0.1, 100))
def test_percentiles_are_never_too_small_and_within_a_hundredth(values: list[int], percent: float) -> None:
    exact = sorted(values)[max(0, -int(-len(values) * percent // 100) - 1)]
    found = of(values).percentile(percent)
    assert exact <= found <= exact * 1.01 + 1


@given(DURATIONS, DURATIONS)
def test_merged_is_as_counted_together(one: list[int], other: list[int]) -> None:
    merged = of(one)
    merged.merge(of(other))
    together = of(one + other)
    assert list(merged.pairs()) == list(together.pairs())
    assert (merged.count, merged.largest, merged.mean) == (together.count, together.largest, together.mean)


@given(DURATIONS)
def test_what_is_written_comes_back(values: list[int]) -> None:
    there = of(values)
    back = Histogram.of(there.pairs())
    assert [back.percentile(percent) for percent in (50, 90, 99, 100)] == [
        there.percentile(percent) for percent in (50, 90, 99, 100)
    ]


def test_nothing_counted_is_zero() -> None:
    empty = Histogram()
    assert (empty.percentile(99), empty.mean, list(empty.pairs())) == (0, 0.0, [])
