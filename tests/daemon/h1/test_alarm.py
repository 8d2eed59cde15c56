"""A deadline that moves."""

from __future__ import annotations

from http_fakes import FakeClock
from tidegate.daemon.h1.alarm import Alarm


def test_it_calls_once_at_its_time() -> None:
    clock, calls = FakeClock(), []
    alarm = Alarm(clock, lambda: calls.append(clock.now))
    alarm.set(clock.now + 5)
    clock.advance(4.9)
    assert not calls
    clock.advance(100)
    assert calls == [1005.0]
    assert alarm.when is None


def test_later_costs_no_timer_and_earlier_does() -> None:
    clock, calls = FakeClock(), []
    alarm = Alarm(clock, lambda: calls.append(clock.now))
    for second in range(1, 100):
        alarm.set(clock.now + second)
    assert clock.armed == 1
    alarm.set(clock.now + 0.5)
    assert clock.armed == 2
    clock.advance(200)
    assert calls == [1000.5]


def test_moved_while_armed_it_calls_at_the_later_time() -> None:
    clock, calls = FakeClock(), []
    alarm = Alarm(clock, lambda: calls.append(clock.now))
    alarm.set(clock.now + 1)
    alarm.set(clock.now + 3)
    clock.advance(10)
    assert calls == [1003.0]


def test_taken_away_or_closed_it_does_not_call() -> None:
    clock, calls = FakeClock(), []
    alarm = Alarm(clock, lambda: calls.append(clock.now))
    alarm.set(clock.now + 1)
    alarm.set(None)
    clock.advance(10)
    alarm.set(clock.now + 1)
    alarm.close()
    clock.advance(10)
    assert not calls
    assert all(timer.cancelled for timer in clock.timers)
