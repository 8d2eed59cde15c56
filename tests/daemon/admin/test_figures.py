"""What the admin routes tell, of real slots and children that are none."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tidegate.cli.left_on_disk import Left
from tidegate.cli.status_page import absent_lines, lines, long_time
from tidegate.cli.terminal import ASCII, Terminal
from tidegate.daemon.admin.figures import Figures
from tidegate.daemon.admin.overview import Overview
from tidegate.daemon.admin.pages import Reply, Request
from tidegate.daemon.admin.processes import process_of
from tidegate.daemon.control.messages import Logged
from tidegate.daemon.telemetry.accounts import Accounts
from tidegate.daemon.telemetry.calm import REQUEST_LOGGER, Calm
from tidegate.daemon.telemetry.metrics import CELLS, DOCUMENTS, EVENTS, SINK_READY, SPOOL_REFUSING, Role, place
from tidegate.daemon.telemetry.recent import tell_complaints
from tidegate.daemon.telemetry.slots import Tally

TERMINAL = Terminal(80, False, ASCII)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.accounts = Accounts(folder / "counters", 1, 1, 100.0)
        self.acceptor, self.worker = (
            Tally(len(CELLS[role]), os.dup(self.accounts.descriptor(role, 1))) for role in (Role.ACCEPTOR, Role.WORKER)
        )
        self.children: list[Any] = [
            SimpleNamespace(role=role, number=1, pid=os.getpid(), started=object(), trouble=None)
            for role in ("acceptor", "worker")
        ]
        self.state = "serving"
        self.missing: list[str] = []
        self.figures = Figures(self.accounts, folder, lambda: self.children, lambda: self.missing, lambda: self.state)
        self.worker.set(place(SINK_READY), 1)

    def get(self, path: str) -> Reply:
        request = Request("GET", path, "", b"")
        return asyncio.run(_awaited(self.figures.routes()["GET", path], request))

    def status(self) -> Overview:
        return msgspec.json.decode(self.get("/status").body, type=Overview)


async def _awaited(handler: Any, request: Request) -> Reply:
    reply: Reply = await handler(request)
    return reply


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    found = Bench(tmp_path)
    yield found
    found.accounts.close()


def test_all_is_well(bench: Bench) -> None:
    bench.acceptor.add(place(EVENTS, "spooled"), 4)
    bench.worker.add(place(DOCUMENTS, "indexed"), 4)
    view = bench.status()
    assert (view.verdict, view.reasons, view.state) == ("well", [], "serving")
    assert view.since_start.received == 4
    assert [process.role for process in view.processes] == ["supervisor", "acceptor", "worker"]
    assert (bench.get("/healthz").status, bench.get("/readyz").status) == (200, 200)
    assert b"\ntidegate_events_received_total 4\n" in bench.get("/metrics").body
    text = "\n".join(lines(view, TERMINAL, 200.0))
    assert "is well, serving" in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_store_in_trouble_degrades_and_intake_goes_on(bench: Bench) -> None:
    bench.children[1].trouble = "Elasticsearch answers 503"
    view = bench.status()
    assert view.verdict == "degraded"
    assert view.reasons == ["documents are not stored: Elasticsearch answers 503"]
    assert (bench.get("/healthz").status, bench.get("/readyz").status) == (200, 200)
    bench.children[1].trouble = None
    assert bench.status().verdict == "well"


def test_a_full_spool_refuses_and_is_not_ready(bench: Bench) -> None:
    bench.worker.set(place(SPOOL_REFUSING), 1)
    assert bench.status().verdict == "refusing"
    assert (bench.get("/healthz").status, bench.get("/readyz").status) == (200, 503)


def test_a_missing_process_is_unhealthy(bench: Bench) -> None:
    del bench.children[1]
    bench.missing = ["worker 1"]
    bench.figures.died("worker", 1)
    view = bench.status()
    assert "worker 1 does not serve" in view.reasons
    assert not view.store.ready
    assert bench.get("/healthz").status == 503
    assert msgspec.json.decode(bench.get("/healthz").body) == {"healthy": False, "missing": ["worker 1"]}


def test_complaints_are_kept_without_requests_and_in_one_line(bench: Bench) -> None:
    root, handlers = logging.getLogger(), logging.getLogger().handlers[:]
    root.handlers[:] = [Calm([])]
    try:
        tell_complaints(lambda logged: bench.figures.complained("supervisor", logged))
        logging.getLogger("tidegate.x").warning("some\ntrouble %s", "x" * 1000)
        logging.getLogger("tidegate.x").info("all is well")
        logging.getLogger(REQUEST_LOGGER).error("unauthorized")
    finally:
        root.handlers[:] = handlers
    bench.figures.heard(bench.children[0], Logged(5.0, "error", "\x1b[31mred"))
    first, second = bench.status().complaints
    assert first.text.startswith("some trouble xxx")
    assert (first.process, first.level, len(first.text)) == ("supervisor", "warning", 500)
    assert second.process == "acceptor-1"
    assert "\x1b" not in "\n".join(lines(bench.status(), TERMINAL, 200.0))


def test_a_process_is_seen_and_one_that_is_gone_is_not() -> None:
    found = process_of(os.getpid())
    assert found is not None
    assert found.resident > 1 << 20
    assert 0 <= found.uptime < 1e6
    assert process_of(2**22 + 1) is None


def test_no_instance(tmp_path: Path) -> None:
    assert "3 events wait in its spool" in "\n".join(absent_lines(tmp_path, Left(3, 5000, []), TERMINAL))
    assert "nothing waits" in "\n".join(absent_lines(tmp_path, Left(0, 0, []), TERMINAL))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (99, "99 s"), (100, "2 min"), (7200, "2.0 h"), (864000, "10 days")]
)
def test_times(seconds: float, text: str) -> None:
    assert long_time(seconds) == text
