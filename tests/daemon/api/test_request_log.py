"""The request log's records (http-surface.md 10.1)."""

from __future__ import annotations

import logging
import re

import pytest
from http_fakes import FakeClock, FakeExchange, make_part
from tidegate.daemon.api.request_log import ERROR_LINES, LONGEST_VALUE, RequestLog
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import ACCEPTED, Answer
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.settings.parts import LoggingPart
from tidegate.daemon.telemetry.calm import REQUEST_LOGGER as LOGGER

REFUSED = Answer(RequestOutcome.INVALID, {}, detail="bad")
OTHER = Answer(RequestOutcome.QUEUE_FULL, {}, detail="full")
UNKNOWN = Answer(RequestOutcome.NOT_FOUND, routed=False)


def records(caplog: pytest.LogCaptureFixture, requests: str, *answers: Answer) -> list[logging.LogRecord]:
    exchange = FakeExchange(make_part(logging=LoggingPart("info", "json", requests)), FakeClock())
    exchange.head = RequestHead(
        b"POST",
        b"/" + b"x" * 5000,
        [(b"user-agent", b"agent\xff"), (b"x-real-ip", b"203.0.113.7")],
    )
    log = RequestLog()
    with caplog.at_level(logging.INFO, LOGGER):
        for answer in answers:
            log.ended(exchange, answer, 123, 456)
    return caplog.records


def test_fields(caplog: pytest.LogCaptureFixture) -> None:
    good, bad = records(caplog, "all", ACCEPTED, REFUSED)
    assert (good.levelno, good.getMessage()) == (logging.INFO, "request accepted")
    assert (bad.levelno, bad.getMessage()) == (logging.ERROR, "data validation error")
    fields = good.__dict__["ecs"]
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", fields.pop("http.request.id")
    )
    assert len(fields.pop("url.original")) == LONGEST_VALUE
    assert fields == {
        "http.request.method": "POST",
        "source.address": "192.0.2.1",
        "client.ip": "203.0.113.7",
        "user_agent.original": "agent\ufffd",
        "event.duration": 456,
        "http.request.body.bytes": 123,
        "http.response.status_code": 202,
    }
    assert bad.__dict__["ecs"]["error.message"] == "bad"


@pytest.mark.parametrize(
    ("requests", "messages"),
    [
        ("all", ["request accepted", "data validation error"]),
        ("errors", ["data validation error"]),
        ("off", []),
    ],
)
def test_what_is_logged(caplog: pytest.LogCaptureFixture, requests: str, messages: list[str]) -> None:
    found = records(caplog, requests, ACCEPTED, UNKNOWN, REFUSED)
    assert [record.getMessage() for record in found] == messages


def test_errors_alone_do_not_flood(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    exchange = FakeExchange(make_part(logging=LoggingPart("info", "json", "errors")), clock)
    log = RequestLog()
    with caplog.at_level(logging.INFO, LOGGER):
        for answer in [REFUSED] * 5000 + [OTHER]:
            log.ended(exchange, answer, 123, 456)
        clock.advance(60.0)
        log.ended(exchange, REFUSED, 123, 456)
    said = [(record.getMessage(), record.__dict__["repeats"]) for record in caplog.records]
    assert said == [
        *[("data validation error", 1)] * ERROR_LINES,
        ("queue is full", 1),
        ("data validation error", 5000 - ERROR_LINES + 1),
    ]


def test_all_means_all(caplog: pytest.LogCaptureFixture) -> None:
    assert len(records(caplog, "all", *[REFUSED] * 500)) == 500
