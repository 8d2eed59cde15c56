"""Handshakes are bounded in time and number, by one timer."""

from __future__ import annotations

from http_fakes import FakeClock
from tidegate.daemon.tls.handshakes import HANDSHAKE_SECONDS, MOST_HANDSHAKES, Handshakes


class Slow:
    """A connection that never gets on."""

    def __init__(self) -> None:
        self.was_cut = 0

    def cut(self) -> None:
        self.was_cut += 1


def test_each_has_its_time_and_one_timer_serves_all() -> None:
    clock = FakeClock()
    handshakes = Handshakes(clock)
    first, second, quick = Slow(), Slow(), Slow()
    handshakes.begin(first)
    clock.advance(1.0)
    handshakes.begin(quick)
    handshakes.begin(second)
    clock.advance(1.0)
    handshakes.done(quick)
    clock.advance(HANDSHAKE_SECONDS - 2.1)
    assert (first.was_cut, second.was_cut, len(handshakes)) == (0, 0, 2)
    clock.advance(0.2)
    assert (first.was_cut, second.was_cut, len(handshakes)) == (1, 0, 1)
    clock.advance(1.0)
    assert (second.was_cut, quick.was_cut, len(handshakes)) == (1, 0, 0)
    assert clock.armed <= 3
    clock.advance(60)
    handshakes.begin(again := Slow())
    clock.advance(HANDSHAKE_SECONDS + 0.1)
    assert again.was_cut == 1, "the timer is armed again after a quiet time"


def test_a_flood_cuts_the_oldest() -> None:
    handshakes = Handshakes(FakeClock())
    flood = [Slow() for _ in range(MOST_HANDSHAKES + 10)]
    for one in flood:
        handshakes.begin(one)
    assert len(handshakes) == MOST_HANDSHAKES
    assert [one.was_cut for one in flood[:11]] == [1] * 10 + [0]


def test_where_connections_are_limited_half_of_them_stay_free_of_handshakes() -> None:
    handshakes = Handshakes(FakeClock())
    for limit, most in ((0, MOST_HANDSHAKES), (100, 50), (1, 1), (1_000_000, MOST_HANDSHAKES)):
        handshakes.limit(limit)
        for _ in range(MOST_HANDSHAKES + 1):
            handshakes.begin(Slow())
        assert len(handshakes) == most


def test_closing_cuts_all() -> None:
    clock = FakeClock()
    handshakes = Handshakes(clock)
    handshakes.begin(one := Slow())
    handshakes.close()
    clock.advance(60)
    assert one.was_cut == 1
    assert len(handshakes) == 0
