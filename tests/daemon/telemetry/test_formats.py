"""Log lines: one record, one line; nobody's text passes for anything else."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.telemetry.formats import HumanFormatter, JsonFormatter, printable, trace_of

HOSTILE = "a\r\nb\x1b[31mred\x9b31m\x7f\u2028c\u202ed\udc80 %s {} \0"


def record(
    message: str, *, level: int = logging.INFO, error: BaseException | None = None, **extra: Any
) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("tidegate.test", level, "", 0, message, None, info)
    made.__dict__.update(extra)
    return made


def formatted(made: logging.LogRecord, *, whole: bool = False) -> tuple[str, str]:
    return (
        JsonFormatter("worker-1", whole_traces=lambda: whole).format(made),
        HumanFormatter("worker-1", whole_traces=lambda: whole).format(made),
    )


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_fields() -> None:
    line, human = formatted(record("it is so", ecs={"url.original": "/", "event.duration": 7}, repeats=1))
    document = json.loads(line)
    assert document.pop("@timestamp").endswith("Z")
    assert document.pop("process.pid") > 0
    assert document == {
        "log.level": "info",
        "message": "it is so",
        "ecs.version": "8.11.0",
        "log.logger": "tidegate.test",
        "service.name": "tidegate",
        "process.name": "worker-1",
        "url.original": "/",
        "event.duration": 7,
    }
    assert human[9:] == "info    worker-1: it is so url.original=/ event.duration=7"


@pytest.mark.parametrize("hostile", [HOSTILE, "\x85", "\r", "\u2066", "x" * 5000])
def test_check_31_hostile_text_stays_within_its_line(hostile: str) -> None:
    ecs = {"url.original": hostile, "user_agent.original": hostile}
    line, human = formatted(record(f"index metrics-apm.app.{hostile}", ecs=ecs))
    for text in (line, human):
        assert printable(text) == text
        assert "\n" not in text
    assert json.loads(line)["url.original"] == hostile


def test_a_value_cannot_pose_as_another_field() -> None:
    _, human = formatted(
        record("m", ecs={"user_agent.original": 'x http.response.status_code=200 "', "url.original": ""})
    )
    assert human.endswith(r'm user_agent.original="x http.response.status_code=200 \"" url.original=""')


def test_how_often() -> None:
    line, human = formatted(record("trouble", repeats=12))
    assert json.loads(line)["message"] == "trouble (12 times since it was last said)"
    assert "trouble (12 times" in human


def test_what_an_exception_says_is_told_at_debug_only() -> None:
    error = raised(KeyError("a-marked-key"), raised(ValueError("a-marked-value"), raised(OSError(28, "No space left"))))
    for text in formatted(record("defect", error=error)):
        assert "marked" not in text
        assert "KeyError" in text and "ValueError" in text and "OSError: No space left" in text
        assert "raise error from cause" in text
    for text in formatted(record("defect", error=error), whole=True):
        assert "a-marked-key" in text and "a-marked-value" in text


def test_lines_of_a_trace_cannot_pose_as_records() -> None:
    error = raised(ValueError("x\n12:00:00 error   supervisor: forged\x1b[2J"))
    _, human = formatted(record("defect", error=error), whole=True)
    assert all(line.startswith("    ") for line in human.split("\n")[1:])
    assert "\x1b" not in human


def test_a_chain_of_exceptions_without_end_is_cut() -> None:
    first, second = raised(ValueError()), raised(TypeError())
    first.__cause__, second.__cause__ = second, first
    assert trace_of(first, whole=False).count("which led to") == 9


@given(st.text(), st.text())
def test_anything_makes_one_line(message: str, value: str) -> None:
    line, human = formatted(record(message, ecs={"url.original": value}))
    assert json.loads(line)["url.original"] == value
    assert printable(line) == line
    assert printable(human) == human
