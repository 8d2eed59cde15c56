"""The commands over a small store: what is on the screen, at 80 columns and without colour."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from tidegate.cli import errors, services, traces
from tidegate.cli.main import main
from tidegate.cli.places import STORE_FILE
from tidegate.cli.terminal import UNICODE, Terminal, columns
from tidegate.daemon.settings.parts import LocalPart
from tidegate.workers.sinks.local import LocalSink
from tidegate.workers.sinks.local_reader import ErrorGroup, ServiceSummary, TraceSummary
from tidegate.workers.spool.block import make_block

PLAIN = Terminal(80, False, UNICODE)
NOW = 1_735_725_600_000_000
MINUTE = 60_000_000
HOSTILE = "\x1b[2J\u202e\nx"


def document(**sections: Any) -> dict[str, Any]:
    return {
        "timestamp": {"us": NOW},
        "service": {"name": "shop"},
        "agent": {"name": "go"},
        "trace": {"id": "abc123"},
    } | sections


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    sink = LocalSink(LocalPart(file=str(tmp_path / STORE_FILE), max_bytes=64 << 20, max_age=1e9))
    found = [
        document(transaction={"id": "t", "type": "request", "name": f"GET {HOSTILE}", "duration": {"us": 1500}}),
        document(
            trace={"id": "abc999"},
            transaction={"id": "u", "type": "request", "name": "b"},
            event={"outcome": "failure"},
        ),
    ]
    wrong = document(error={"id": "e", "grouping_key": "k", "exception": [{"type": "Oops", "message": HOSTILE}]})
    lines = []
    for number, (index, one) in enumerate(
        [*(("traces-apm-default", one) for one in found), ("logs-apm.error-default", wrong)]
    ):
        lines += [orjson.dumps({"create": {"_index": index, "_id": f"i{number}"}}) + b"\n", orjson.dumps(one) + b"\n"]
    sink.write([make_block(lines, 3, 5)])
    yield tmp_path
    sink.close()


def test_commands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["services"],
        ["traces"],
        ["trace", "abc1"],
        ["errors"],
        ["traces", "--errors", "--service", "shop"],
    ):
        assert main([*command, "--data", str(folder)]) == 0
        out, err = capsys.readouterr()
        assert err == f"data: {folder}\n"
        assert "shop" in out
        assert "\x1b" not in out and "\u202e" not in out
        assert all(columns(line) <= 80 for line in out.splitlines())


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["trace", "abc"], "several traces begin with 'abc':\n  abc123\n  abc999\n"),
        (["trace", "zz\x1b"], "begins with 'zz\\\\x1b'"),
        (["traces", "--service", "nobody"], "no such trace"),
        (["errors", "--service", "nobody"], "no errors"),
    ],
)
def test_nothing_to_show(folder: Path, capsys: pytest.CaptureFixture[str], command: list[str], words: str) -> None:
    assert main([*command, "--data", str(folder)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err


def test_documents_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", "abc123", "--json", "--data", str(folder)]) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    first, second = map(json.loads, out.splitlines())
    assert first["transaction"]["name"] == f"GET {HOSTILE}"
    assert second["error"]["grouping_key"] == "k"


def test_services_table() -> None:
    found = [
        ServiceSummary(
            "checkout", "production", "python", "6.26.2", "python", NOW - 2 * MINUTE, 1234, 5, 12_345, 2_500_000, 7
        ),
        ServiceSummary(
            "a-service-with-quite-a-long-name", None, "opentelemetry/java", "1.2", None, NOW, 0, 0, None, None, 0
        ),
    ]
    assert services.table(found, PLAIN, NOW) == [
        "SERVICE                  AGENT        TRANS.  FAILED  ERRORS     MEAN LAST SEEN",
        "checkout (production)    python 6.2…    1234       5       7  12.3 ms 2 min ago",
        "a-service-with-quite-a-… openteleme…       0       0       0          just now",
    ]
    wide = services.table(found, Terminal(140, False, UNICODE), NOW)
    assert "checkout (production)" in wide[1] and "python 6.26.2" in wide[1] and "2.50 s" in wide[1]


def test_trace_lines() -> None:
    summary = TraceSummary("0af7" * 8, NOW - 5_000_000, "shop", "GET /", "HTTP 5xx", "failure", 284_299, 2, 3, 14, 1)
    assert traces.two_lines(summary, PLAIN, NOW) == [
        "5 s ago       284 ms  ✗ shop: GET / · HTTP 5xx",
        "  0af70af70af70af70af70af70af70af7  2 services, 3 transactions, 14 spans, 1 error",
    ]
    plain = summary._replace(outcome="success", result=None, errors=0, services=1, transactions=1, name=None)
    assert traces.two_lines(plain, PLAIN, NOW) == [
        "5 s ago       284 ms  shop: (no name)",
        "  0af70af70af70af70af70af70af70af7  1 transaction, 14 spans",
    ]


def test_error_lines() -> None:
    group = ErrorGroup("k", 12, NOW - 90 * MINUTE, "shop", "Oops", "it broke", "shop.cart.load", "0af7" * 8)
    assert errors.group_lines(group, PLAIN, NOW) == [
        "     12× Oops: it broke",
        "         shop · 1 h ago · at shop.cart.load",
        "         trace 0af70af70af70af70af70af70af70af7",
    ]
    bare = ErrorGroup(None, 1, NOW, None, None, None, None, None)
    assert errors.group_lines(bare, PLAIN, NOW) == ["      1× (no message)", "         ? · just now"]
