"""One line a minute for what comes again and again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.telemetry.repeats import MOST_TEXTS, PERIOD, Repeats


def test_the_first_is_said_at_once_the_next_after_the_period_with_a_count() -> None:
    repeats = Repeats()
    assert [repeats.due(second, "x") for second in range(121)] == [1, *[0] * 59, 60, *[0] * 59, 60]


def test_each_text_has_its_own_period() -> None:
    repeats = Repeats()
    assert [repeats.due(0.0, text, 3) for text in ("a", "b", "a", "b")] == [3, 3, 0, 0]
    assert repeats.due(60.0, "b") == 4


def test_several_lines() -> None:
    repeats = Repeats(lines=3)
    assert [repeats.due(0.0, "x") for _ in range(6)] == [1, 1, 1, 0, 0, 0]
    assert [repeats.due(60.0, "x") for _ in range(4)] == [4, 1, 1, 0]


def test_what_was_held_back_is_told_when_nothing_follows() -> None:
    repeats = Repeats()
    for text in ("a", "a", "a", "b"):
        repeats.due(0.0, text)
    assert repeats.unsaid(59.0) == []
    assert repeats.unsaid(60.0) == [("a", 2)]
    assert repeats.unsaid(120.0) == []
    assert repeats.due(121.0, "a") == 1


def test_what_comes_and_goes_costs_one_line_and_one_end_a_minute() -> None:
    repeats = Repeats()
    said = [(repeats.due(second, "x"), repeats.over()) for second in range(61)]
    assert said == [(1, True), *[(0, False)] * 59, (60, True)]
    assert not Repeats().over()


def test_texts_without_end_share_one_line() -> None:
    repeats = Repeats()
    said = [repeats.due(0.0, str(number)) for number in range(10_000)]
    assert sum(map(bool, said)) == MOST_TEXTS + 1
    assert repeats.due(PERIOD, "something else") == 1, "the old ones have made room"


@given(st.lists(st.tuples(st.integers(0, 120), st.sampled_from("abc")), max_size=60), st.integers(1, 4))
def test_nothing_is_lost_and_nothing_floods(happened: list[tuple[int, str]], lines: int) -> None:
    repeats = Repeats(lines)
    now, counted, said = 0.0, 0, []
    for pause, text in happened:
        now += pause / 4  # seconds, exact in floats: a period must not seem shorter by rounding
        count = repeats.due(now, text)
        counted += count
        if count:
            said.append((now, text))
    counted += sum(count for _, count in repeats.unsaid(now + 2 * PERIOD))
    assert counted == len(happened)
    for moment, text in said:
        assert sum(moment <= other < moment + PERIOD for other, of in said if of == text) <= 2 * lines
