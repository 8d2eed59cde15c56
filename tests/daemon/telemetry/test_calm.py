"""The handler that keeps repeated troubles short."""

from __future__ import annotations

import logging

import pytest
from tidegate.daemon.telemetry.calm import REQUEST_LOGGER, Calm
from tidegate.daemon.telemetry.formats import message_of


class Kept(logging.Handler):
    """Keeps what it is handed."""

    def __init__(self, level: int = 0) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(message_of(record))


class Bench:
    def __init__(self) -> None:
        self.now = 100.0
        self.kept = Kept()
        self.errors = Kept(logging.ERROR)
        self.calm = Calm([self.kept, self.errors], lambda: self.now)
        self.logger = logging.Logger("tidegate.test")
        self.logger.addHandler(self.calm)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_trouble_costs_a_line_a_minute(bench: Bench) -> None:
    for _ in range(121):
        bench.logger.warning("worker %d is away", 1)
        bench.now += 1.0
    assert bench.kept.messages == [
        "worker 1 is away",
        "worker 1 is away (60 times since it was last said)",
        "worker 1 is away (60 times since it was last said)",
    ]


def test_news_and_other_troubles_are_said_at_once(bench: Bench) -> None:
    bench.logger.warning("worker %d is away", 1)
    bench.logger.warning("worker %d is away", 2)
    bench.logger.error("worker %d is away", 1)
    bench.logger.info("hello")
    bench.logger.info("hello")
    assert len(bench.kept.messages) == 5
    assert bench.errors.messages == ["worker 1 is away"]


def test_requests_have_a_line_each(bench: Bench) -> None:
    bench.logger.name = REQUEST_LOGGER
    for _ in range(500):
        bench.logger.error("data validation error")
    assert len(bench.kept.messages) == 500


def test_what_was_held_back_comes_with_the_next_line(bench: Bench) -> None:
    for _ in range(500):
        bench.logger.warning("100%% of %s is gone", "it")
    bench.now += 61.0
    bench.logger.info("hello")
    assert bench.kept.messages == [
        "100% of it is gone",
        "100% of it is gone (499 times since it was last said)",
        "hello",
    ]


def test_two_defects_in_the_same_words_are_two(bench: Bench) -> None:
    for error in (KeyError, ValueError, KeyError):
        try:
            raise error
        except error:
            bench.logger.exception("a connection failed")
    assert len(bench.kept.messages) == 2


def test_texts_without_end_do_not_push_out_others(bench: Bench) -> None:
    for number in range(5000):
        bench.logger.error("odd frame %d", number)
    bench.logger.error("the worker died")
    assert len(bench.kept.messages) < 110
    assert bench.kept.messages[-1] == "the worker died"
