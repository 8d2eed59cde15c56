"""intake-to-documents.md section 6: names of data streams. (The metric tests are in `mapping/test_metricset_rows.py`.)"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import convert
from tidegate.daemon.wire.frames import RequestBase
from tidegate.workers.decode.model import Metadata
from tidegate.workers.enrich.data_stream import place_error, place_log, place_trace
from tidegate.workers.enrich.internal_metrics import INTERNAL_METRICS
from tidegate.workers.mapping.stream import Stream


def stream(agent: str = "python", name: str = "Shop A-b") -> Stream:
    service = {"name": name, "agent": {"name": agent, "version": "1"}}
    return Stream(RequestBase(namespace="ns"), convert({"service": service}, Metadata))


ROWS: list[tuple[Any, str, dict[str, Any], str]] = [
    (place_trace, "python", {}, "traces-apm-ns"),
    (place_trace, "rum-js", {}, "traces-apm.rum-ns"),
    (place_trace, "iOS/swift", {}, "traces-apm.rum-ns"),
    (place_trace, "rum-js", {"agent": {"name": "python"}}, "traces-apm-ns"),
    (place_trace, "python", {"agent": {"name": "js-base"}}, "traces-apm.rum-ns"),
    (place_trace, "python", {"data_stream": {"dataset": "A*b", "namespace": ""}}, "traces-a_b-ns"),
    (place_trace, "python", {"data_stream": {"dataset": "é" * 60}}, "traces-" + "é" * 50 + "-ns"),
    (place_trace, "rum-js", {"data_stream": {"dataset": "a"}}, "traces-apm.rum-ns"),
    (place_error, "rum-js", {}, "logs-apm.error-ns"),
    (place_log, "python", {}, "logs-apm.app.shop_a_b-ns"),
    (place_log, "python", {"error": {}}, "logs-apm.error-ns"),
    (place_log, "python", {"service": {"name": '\\/*?"<>| ,#:-é!'}}, "logs-apm.app.____________" + "_" + "é!-ns"),
    (place_log, "python", {"service": {}}, "logs-apm.app.unknown-ns"),
]


@pytest.mark.parametrize(("place", "agent", "document", "index"), ROWS)
def test_check_29_names_of_data_streams(place: Any, agent: str, document: dict[str, Any], index: str) -> None:
    found = place(document, stream(agent))
    assert found.action == f'{{"create":{{"_index":"{index}","_id":"'
    assert document["data_stream"] is found.field


def test_internal_names() -> None:
    assert len(INTERNAL_METRICS) == 83
