"""Rows of intake-to-documents.md 4.5."""

from __future__ import annotations

from typing import Any

import pytest


def exceptions(exception: dict[str, Any]) -> dict[str, Any]:
    return {"exception": exception}


ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "identity": (
        {"trace_id": "r", "transaction_id": "t", "parent_id": "p", "culprit": "c", "log": {"message": ""}},
        {
            "trace": {"id": "r"}, "transaction": {"id": "t"}, "span": {"id": "t"}, "parent": {"id": "p"},
            "error/culprit": "c", "error/id": "e", "error/log": {"level": "error"}, "_index": "logs-apm.error-default",
        },
    ),
    "transaction": (
        {"transaction": {"name": "n", "type": "t", "sampled": False}, "log": {"message": "m"}},
        {"transaction": {"name": "n", "type": "t"}, "span": None},
    ),
    "log": (
        {"log": {"message": "m", "level": "", "logger_name": "l", "param_message": "p", "stacktrace": [{"filename": "f"}]}},
        {"error/log": {
            "message": "m", "logger_name": "l", "param_message": "p",
            "stacktrace": [{"filename": "f", "exclude_from_grouping": False}],
        }},
    ),
    "exception": (
        exceptions({"code": 57, "message": "m", "type": "t", "module": "o", "handled": False, "attributes": {"a.b": [None]}}),
        {"error/exception": [
            {"code": "57", "message": "m", "type": "t", "module": "o", "handled": False, "attributes": {"a.b": [None]}},
        ]},
    ),
    "a chain of causes has no parents": (
        exceptions({"type": "a", "cause": [{"type": "b", "cause": [{"type": "c"}]}]}),
        {"error/exception": [{"type": "a"}, {"type": "b"}, {"type": "c"}]},
    ),
    "a tree of causes": (
        exceptions({"type": "E", "cause": [
            {"type": "c1", "cause": [{"type": "c11"}, {"type": "c12"}]}, {"type": "c2"},
        ]}),
        {"error/exception": [
            {"type": "E"}, {"type": "c1"}, {"type": "c11"}, {"type": "c12", "parent": 1}, {"type": "c2", "parent": 0},
        ]},
    ),
    "custom": ({"log": {"message": "m"}, "context": {"custom": {"a.b": 1}}}, {"error/custom": {"a_b": 1}}),
    "cloud and message of the context": (
        {"log": {"message": "m"}, "context": {"cloud": {"origin": {"provider": "p"}}, "message": {"body": "b"}}},
        {"cloud": None, "error/message": None, "transaction": None},
    ),
    "message of the log": ({"log": {"message": "l"}, **exceptions({"message": "x"})}, {"message": "l"}),
    "message of the exception": ({"log": {"message": ""}, **exceptions({"message": "x"})}, {"message": "x"}),
    "no message": (exceptions({"type": "t", "cause": [{"message": "c"}]}), {"message": None}),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row(row: tuple[dict[str, Any], dict[str, Any]], made: Any, agrees: Any) -> None:
    sent, expected = row
    [document] = made({"error": {"id": "e", **sent}})
    agrees(document, expected)


FRAMES = [
    {"module": "mo", "filename": "fi", "function": "fu"},
    {"filename": "fi2"},
    {"filename": "", "classname": "cl3", "function": "f3"},
]
GROUPING_KEYS: dict[str, tuple[dict[str, Any], str]] = {
    "type": (exceptions({"type": "T"}), "5b4d6af247a3cf7b"),
    "log message": ({"log": {"message": "m"}}, "ba2e567083a2b2e8"),
    "exception message": ({"log": {"message": "m"}, **exceptions({"message": "M"})}, "75450393ed147192"),
    "parametrized message": ({"log": {"message": "m", "param_message": "p"}}, "f5ee3ce1a06552ef"),
    "type and frames": (exceptions({"type": "T", "stacktrace": FRAMES}), "7f4ae384e45f3914"),
    "frames of the log": (
        {"log": {"message": "", "stacktrace": FRAMES}, **exceptions({"type": "T"})},
        "7f4ae384e45f3914",
    ),
    "nothing": ({"log": {"message": ""}}, "ef46db3751d8e999"),
}


@pytest.mark.parametrize("row", GROUPING_KEYS.values(), ids=GROUPING_KEYS)
def test_grouping_key(row: tuple[dict[str, Any], str], made: Any) -> None:
    sent, key = row
    [document] = made({"error": {"id": "e", **sent}})
    assert document["error"]["grouping_key"] == key
