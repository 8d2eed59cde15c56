"""A worker's answers about agent configuration, before, between and after readings."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tidegate.daemon.wire.questions import (
    AnyReply,
    Configuration,
    FindConfiguration,
    NoConfiguration,
    StoreForbids,
    Unavailable,
)
from tidegate.workers.store.configurations import Configurations
from tidegate.workers.store.rules import Rule
from tidegate.workers.store.source import CannotRead, NotPermitted, Reading

RULE = Rule("shop", "", "java", {"log_level": "debug", "transaction_sample_rate": "0.5"}, "e1")
FOUND = Configuration({"log_level": "debug", "transaction_sample_rate": "0.5"}, "e1")
ASK = FindConfiguration("shop", "prod")


class FakeSource:
    """Gives what the test has put there."""

    interval = 3600.0

    def __init__(self, *readings: Reading | Exception | None) -> None:
        self.readings = list(readings)
        self.closed = False

    def read(self) -> Reading | None:
        found = self.readings.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        self.closed = True


def reply_to(configurations: Configurations, *asks: FindConfiguration) -> list[AnyReply]:
    replies: list[AnyReply] = []
    for ask in asks or (ASK,):
        configurations.find(ask, replies.append)
    return replies


async def read_all(configurations: Configurations, source: FakeSource) -> None:
    while source.readings:
        await configurations.read()


@pytest.mark.parametrize(
    ("readings", "reply"),
    [
        ([Reading([RULE])], FOUND),
        ([Reading([])], NoConfiguration()),
        ([Reading([RULE]), None], FOUND),
        ([Reading([RULE]), CannotRead("away")], FOUND),
        ([Reading([RULE]), NotPermitted("403")], FOUND),
        ([Reading([RULE]), Reading([])], NoConfiguration()),
        ([CannotRead("away")], Unavailable("away")),
        ([CannotRead("away"), Reading([RULE])], FOUND),
        ([NotPermitted("403")], StoreForbids()),
        ([NotPermitted("403"), Reading([RULE])], FOUND),
        ([NotPermitted("403"), CannotRead("away")], Unavailable("away")),
        ([RuntimeError("a bug")], Unavailable("RuntimeError")),
    ],
)
def test_replies(readings: list[Reading | Exception | None], reply: object) -> None:
    async def scenario() -> None:
        source = FakeSource(*readings)
        configurations = Configurations(source)
        await read_all(configurations, source)
        source.readings = [None]
        assert reply_to(configurations) == [reply]
        await configurations.close()
        assert source.closed

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("reading", "reply"),
    [(Reading([RULE]), FOUND), (CannotRead("away"), Unavailable("away")), (NotPermitted("403"), StoreForbids())],
)
def test_the_first_question_begins_the_reading_and_waits_for_it(reading: Reading | Exception, reply: object) -> None:
    async def scenario() -> None:
        configurations = Configurations(FakeSource(reading))
        replies = reply_to(configurations, ASK, ASK)
        assert replies == []
        async with asyncio.timeout(5):
            while len(replies) < 2:
                await asyncio.sleep(0)
        assert replies == [reply, reply]
        assert reply_to(configurations) == [reply]
        await configurations.close()

    asyncio.run(scenario())


def test_who_waits_is_answered_when_the_worker_ends() -> None:
    async def scenario() -> None:
        configurations = Configurations(FakeSource(Reading([RULE])))
        replies = reply_to(configurations)
        await configurations.close()
        assert replies == [Unavailable("the worker ends")]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("etag", "agents", "applied"),
    [
        ("e1", None, ["e1"]),
        ("e1", ("java",), ["e1"]),
        ("e1", ("rum-js",), []),
        ("e2", None, []),
        ("", None, []),
        ("-", None, []),
    ],
)
def test_what_agents_have_is_reported_once(etag: str, agents: tuple[str, ...] | None, applied: list[str]) -> None:
    async def scenario() -> None:
        source = FakeSource(Reading([RULE]))
        configurations = Configurations(source)
        await configurations.read()
        source.readings = [None]
        for _ in range(3):
            reply_to(configurations, FindConfiguration("shop", "", etag, agents))
        reply_to(configurations, FindConfiguration("other", "", etag, agents))
        assert configurations.take_applied() == applied
        assert configurations.take_applied() == []
        await configurations.close()

    asyncio.run(scenario())


def test_a_trouble_is_logged_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        source = FakeSource(
            CannotRead("away"), CannotRead("away"), NotPermitted("403"), Reading([RULE], 3), Reading([RULE], 3)
        )
        await read_all(Configurations(source), source)

    with caplog.at_level(logging.INFO, "tidegate.agent_config"):
        asyncio.run(scenario())
    assert [record.getMessage() for record in caplog.records] == [
        "agent configuration cannot be read, agents get 503: away",
        "agent configuration cannot be read, agents get 403: 403",
        "agent configuration can be read again",
        "3 rules of agent configuration are too large or too many and are not used",
    ]
