"""The pages on TCP ports: the original's names, and what is not there."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from e2e.processes import free_port
from tidegate.daemon.admin.figures import Figures
from tidegate.daemon.admin.original import Facts, Usage, stats_page
from tidegate.daemon.admin.ports import Ports
from tidegate.daemon.errors import StartError
from tidegate.daemon.outcomes import RequestOutcome, RouteGroup
from tidegate.daemon.plan import Monitoring
from tidegate.daemon.settings.address import ListenAddress
from tidegate.daemon.telemetry.accounts import Accounts
from tidegate.daemon.telemetry.balance import totals_of
from tidegate.daemon.telemetry.metrics import CELLS, DECODED, DOCUMENTS, EVENTS, REQUESTS, WRITTEN, Role, place

FACTS = Facts("9.5.2", "here", "u", "e", "amd64", 1, 1, "elasticsearch", False, False, False)


def stats_of() -> dict[str, Any]:
    """`/stats` with every request counted once, of each group and outcome."""
    slots = {(role, 1): [0] * len(CELLS[role]) for role in Role}
    for group in RouteGroup:
        for outcome in RequestOutcome:
            slots[Role.ACCEPTOR, 1][place(REQUESTS, group, outcome.name.lower())] = 1
    slots[Role.ACCEPTOR, 1][place(EVENTS, "spooled")] = 7
    slots[Role.ACCEPTOR, 1][place(EVENTS, "unsampled")] = 2
    slots[Role.WORKER, 1][place(DECODED, "span")] = 5
    slots[Role.WORKER, 1][place(WRITTEN)] = 7
    slots[Role.WORKER, 1][place(DOCUMENTS, "indexed")] = 6
    slots[Role.WORKER, 1][place(DOCUMENTS, "duplicate")] = 1
    return stats_page(FACTS, Usage(5.0, 1.5, 1000, 2, (0.1, 0.2, 0.3)), totals_of(slots))


def test_every_answer_is_counted_once_under_the_originals_names() -> None:
    server = stats_of()["apm-server"]["server"]
    assert server["request"]["count"] == server["response"]["count"] == len(RequestOutcome)
    errors, valid = server["response"]["errors"], server["response"]["valid"]
    assert errors["count"] == sum(number for name, number in errors.items() if name != "count")
    assert valid["count"] + errors["count"] == len(RequestOutcome)
    assert {"count", "ok", "accepted", "notmodified"} == valid.keys()
    assert (errors["toolarge"], errors["ratelimit"], errors["queue"]) == (2, 2, 1)


def test_events_and_output() -> None:
    stats = stats_of()
    assert stats["apm-server"]["processor"]["stream"]["accepted"] == 9
    assert stats["apm-server"]["processor"]["span"]["transformations"] == 5
    assert stats["apm-server"]["sampling"]["transactions_dropped"] == 2
    events = stats["libbeat"]["output"]["events"]
    assert (events["total"], events["acked"], events["duplicates"]) == (7, 7, 1)
    assert stats["beat"]["info"]["uptime"]["ms"] == 5000


def get(port: int, method: str, path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read()
        kind = response.getheader("content-type") or ""
        return response.status, json.loads(body) if kind == "application/json" else body
    finally:
        connection.close()


def test_both_ports(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "counters", 1, 1, 100.0)
    child = SimpleNamespace(role="worker", number=1, pid=os.getpid(), started=object(), trouble=None)
    figures = Figures(accounts, tmp_path, lambda: [child], list, lambda: "serving")  # type: ignore[list-item] # a fake
    own, other = ListenAddress("127.0.0.1", free_port()), ListenAddress("127.0.0.1", free_port())
    monitoring = Monitoring(own, other, "9.5.2", "here", "local")

    async def scenario() -> None:
        ports = Ports(monitoring, figures)
        await ports.serve()
        asked = [
            (own.port, "GET", "/metrics"),
            (own.port, "GET", "/healthz"),
            (own.port, "POST", "/reload"),
            (other.port, "GET", "/"),
            (other.port, "GET", "/state"),
            (other.port, "GET", "/stats?pretty"),
            (other.port, "GET", "/metrics"),
        ]
        answers = [await asyncio.to_thread(get, *one) for one in asked]
        await ports.close()
        assert [status for status, _ in answers] == [200, 200, 404, 200, 200, 200, 404]
        assert b"tidegate_events_received_total 0\n" in answers[0][1]
        assert (answers[3][1]["beat"], answers[3][1]["version"]) == ("apm-server", "9.5.2")
        assert answers[4][1]["output"] == {"name": "local"}
        assert answers[5][1]["apm-server"]["server"]["request"]["count"] == 0

    asyncio.run(scenario())
    accounts.close()


def test_a_port_in_use_names_the_key(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monitoring = Monitoring(original=ListenAddress("127.0.0.1", taken.getsockname()[1]))
        with pytest.raises(StartError, match=r"http\.host: .* is already in use"):
            Ports(monitoring, SimpleNamespace(routes=dict))  # type: ignore[arg-type] # what is asked of it here
