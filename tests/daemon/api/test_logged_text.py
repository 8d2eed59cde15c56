"""Neither a secret nor an event's content reaches the request log (http-surface.md 10.1)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.api.logged_text import masked_target, without_content
from tidegate.workers.decode.lines import Refused, read_event, read_metadata

MARK = "zq7marked"


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/intake/v2/events", "/intake/v2/events"),
        ("/intake/v2/events?", "/intake/v2/events?"),
        ("/intake/v2/events?verbose", "/intake/v2/events?verbose"),
        ("/intake/v2/events?verbose&token=s3cret", "/intake/v2/events?verbose&***"),
        ("/intake/v2/events?s3cret", "/intake/v2/events?***"),
        ("/intake/v2/events?verbose=s3cret&&a=b", "/intake/v2/events?verbose=***&&***"),
        ("/config/v1/agents?service.name=a&service.environment=b&api_key=s3cret",
         "/config/v1/agents?service.name=a&service.environment=b&***"),
        ("/?a=b?c=d#s3cret", "/?***"),
        ("/#s3cret", "/"),
        ("http://user:s3cret@host/?a=s3cret", "http://***@host/?***"),
        ("http://host/a@b", "http://host/a@b"),
    ],
)  # fmt: skip
def test_targets(target: str, shown: str) -> None:
    assert masked_target(target) == shown


@given(st.text("?&=#;/%@:.verbosniam", max_size=40), st.text("?&=;/@", max_size=3))
def test_check_17_nothing_behind_the_question_mark_is_logged(beginning: str, joint: str) -> None:
    shown = masked_target(f"/intake?{beginning}&{joint}{MARK}")
    assert MARK not in shown


def bad_lines() -> Iterator[bytes]:
    """Lines that are refused, each with marked content wherever a message could quote it."""
    yield f'{{"{MARK}": {{}}}}'.encode()
    yield f"'{MARK}'".encode()
    yield MARK.encode()
    whole = {
        "transaction": {
            "id": MARK, "trace_id": MARK, "type": MARK, "name": MARK, "duration": 1, "span_count": {"started": 1},
            "context": {"tags": {MARK: MARK}, "custom": {MARK: MARK}, "request": {"method": MARK, "headers": {MARK: MARK}}},
        },
        "error": {"id": MARK, "log": {"message": MARK}, "exception": {"message": MARK, "attributes": {MARK: 1}}},
        "log": {"message": MARK, MARK: MARK},
        "metricset": {"samples": {MARK: {"value": 1}}, "tags": {MARK: MARK}},
        "x": {"id": MARK, "tid": MARK, "t": MARK, "d": 1, "yc": {"sd": 1}},
    }  # fmt: skip
    wrong = [[MARK], {MARK: MARK}, MARK, MARK * 1000, -1, 10**40, None, True]
    for kind, event in whole.items():
        line = json.dumps({kind: event}).encode()
        for cut in range(1, len(line)):
            yield line[:cut]
            yield line[:cut] + b"\x01" + line[cut:]
            yield line[:cut] + b"}" + line[cut:]
        for key in event:
            for value in wrong:
                yield json.dumps({kind: event | {key: value}}).encode()
            for literal in (
                b"1e999",
                b"1.2.3",
                b".5",
                b"-",
                b"0123",
                b"tru",
                b'"\\u12' + MARK.encode(),
                b'"\\' + MARK.encode(),
            ):
                yield (
                    json.dumps({kind: event | {key: 0}})
                    .encode()
                    .replace(f'"{key}": 0'.encode(), f'"{key}": '.encode() + literal)
                )
        yield json.dumps({kind: event | {"context": {"tags": {MARK: [MARK]}}}}).encode()
        yield json.dumps({kind: event | {"tags": {MARK: [MARK]}}}).encode()
        yield json.dumps({kind: event | {"log.origin.file.line": MARK}}).encode()
        yield json.dumps({kind: event | {"timestamp": MARK}}).encode()
        yield json.dumps({kind: event | {"marks": {MARK: MARK}}}).encode()


def test_no_message_of_a_bad_line_carries_its_content() -> None:
    told = set()
    for line in bad_lines():
        for read in (read_event, read_metadata):
            try:
                read(line)  # type: ignore[operator]  # two functions of one form
            except Refused as refused:
                told.add(refused.message)
    assert any(MARK in message for message in told), "the answers quote it"
    assert len(told) > 100
    assert [message for message in told if MARK[:4] in without_content(message)] == []


@pytest.mark.parametrize(
    ("message", "logged"),
    [
        ("validation error: transaction: 'trace_id' required", "validation error: transaction: 'trace_id' required"),
        ('"metadata" or "m" required', '"metadata" or "m" required'),
        (f'did not recognize object type: "{MARK}"', "did not recognize object type: …"),
        (f"decode error: data read error: ReadInt64: overflow: {MARK}", "decode error: data read error: ReadInt64: overflow: …"),
        ("cannot handle stream: cannot process batch: queue is full", "cannot handle stream: cannot process batch: queue is full"),
    ],
)  # fmt: skip
def test_what_is_left(message: str, logged: str) -> None:
    assert without_content(message) == logged
