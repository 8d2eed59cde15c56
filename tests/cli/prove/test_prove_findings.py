"""Every event that was sent ends in one place, and what must not be is found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tidegate.cli.prove.findings import Arrived, compare, letters_of
from tidegate.cli.prove.oracle import Fate

ACKNOWLEDGED, REFUSED, CUT = Fate.ACKNOWLEDGED, Fate.REFUSED, Fate.CUT


def arrived(times: dict[int, int], letters: dict[int, str] | None = None, changed: tuple[int, ...] = ()) -> Arrived:
    return Arrived(times, frozenset(changed), letters or {})


def test_all_is_well() -> None:
    fates = bytes([ACKNOWLEDGED, ACKNOWLEDGED, REFUSED, REFUSED, CUT, CUT])
    found = compare(fates, arrived({0: 1, 2: 1, 4: 1}, {1: "mapping"}))
    assert (found.stored, dict(found.letters), found.told_otherwise, found.unanswered) == (1, {"mapping": 1}, 1, 1)
    assert (found.refused, found.cut, found.sent, found.acknowledged) == (1, 1, 6, 2)
    assert found.wrong() == []


def test_what_must_not_be_is_named() -> None:
    fates = bytes([ACKNOWLEDGED] * 5)
    found = compare(fates, arrived({0: 2, 1: 1, 2: 1, 9: 1}, {1: "mapping"}, changed=(2,)))
    assert (found.lost, found.twice, found.changed, found.never_sent) == ([3, 4], [0, 1], [2], [9])
    assert found.wrong() == [
        "2 events acknowledged and lost, such as 3, 4",
        "2 events stored twice, or twice a dead letter, or both, such as 0, 1",
        "1 events stored otherwise than sent, such as 2",
        "1 events stored and never sent, such as 9",
    ]


@given(
    st.lists(st.sampled_from([ACKNOWLEDGED, REFUSED, CUT]), max_size=30),
    st.dictionaries(st.integers(0, 35), st.integers(1, 3)),
    st.dictionaries(st.integers(0, 35), st.just("reason")),
)
def test_each_event_stands_in_one_place(fates: list[Fate], times: dict[int, int], letters: dict[int, str]) -> None:
    assert compare(bytes(fates), arrived(times, letters)).sent == len(fates)


def test_letters_that_were_written_again_are_found() -> None:
    letters, twice = letters_of([(1, "a"), (2, "b"), (1, "a")])
    assert (letters, twice) == ({1: "a", 2: "b"}, {1})
    found = compare(bytes([CUT, ACKNOWLEDGED, ACKNOWLEDGED]), Arrived({}, frozenset(), letters, twice))
    assert found.twice == [1]
