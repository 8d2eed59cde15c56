"""Events of prove: told from their number, and known again in a document."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from tidegate.cli.prove.events import Events, Seen

EVENTS = Events("00c0ffee")


def document(number: int) -> dict[str, Any]:
    """As Tidegate makes it of the event, in short."""
    event = orjson.loads(EVENTS.body([number]).splitlines()[1])["transaction"]
    custom = event.pop("context")["custom"]
    return {
        "transaction": {**event, "custom": custom},
        "trace": {"id": event["trace_id"]},
        "service": {"name": "tidegate-prove"},
    }


def test_a_request_holds_a_line_for_each_event() -> None:
    lines = EVENTS.body(range(3)).split(b"\n")
    assert len(lines) == 5 and lines[-1] == b""
    assert [orjson.loads(line)["transaction"]["id"] for line in lines[1:4]] == [
        EVENTS.identity(number) for number in range(3)
    ]


@pytest.mark.parametrize("number", [0, 1, 4711, 2_000_000])
def test_it_is_known_again(number: int) -> None:
    assert EVENTS.seen(document(number)) == Seen(number, unchanged=True)


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("transaction", "name", "another"),
        ("transaction", "result", None),
        ("transaction", "type", ""),
        ("transaction", "custom", {"padding": "00"}),
        ("transaction", "span_count", {"started": 9}),
        ("trace", "id", "0" * 32),
        ("service", "name", "x"),
    ],
)
def test_a_change_is_seen(where: str, key: str, value: object) -> None:
    changed = document(12)
    changed[where][key] = value
    assert EVENTS.seen(changed) == Seen(12, unchanged=False)


@pytest.mark.parametrize(
    "stranger",
    [None, [], {}, {"transaction": 1}, {"transaction": {"id": "0"}}, {"transaction": {"id": "00c0ffeezzzzzzzz"}}],
)
def test_what_is_not_ours_is_nothing(stranger: object) -> None:
    assert EVENTS.seen(stranger) is None
    assert EVENTS.seen({"transaction": {"id": "11111111" + "0" * 8}}) is None
