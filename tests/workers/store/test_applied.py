"""The documents that tell which configurations agents have."""

from __future__ import annotations

import json

import pytest
from tidegate.daemon.settings.parts import OwnDocumentsPart
from tidegate.workers.store.applied import applied_lines

OWN = OwnDocumentsPart("prod", "gate", "9.5.2")
COMMON = {
    "@timestamp": "2023-11-14T22:13:20.000Z",
    "data_stream": {"type": "metrics", "dataset": "apm.internal", "namespace": "prod"},
    "observer": {"hostname": "gate", "type": "apm-server", "version": "9.5.2"},
}
RAW = {"metricset": {"name": "agent_config", "samples": [{"name": "agent_config_applied", "value": 1}]}}
COMPLETE = {"metricset": {"name": "agent_config"}, "agent_config_applied": 1, "processor": {"event": "metric"}}


@pytest.mark.parametrize(("complete", "more"), [(False, RAW), (True, COMPLETE)])
def test_a_document_for_each_etag(complete: bool, more: dict[str, object]) -> None:
    lines = applied_lines(["a", 'b"'], OWN, bytes(16), 1_700_000_000_000_000_000, complete=complete)
    assert len(lines) == 2
    pairs = [[json.loads(text) for text in line.splitlines()] for line in lines]
    assert [document for _, document in pairs] == [{**COMMON, **more, "labels": {"etag": etag}} for etag in ("a", 'b"')]
    actions = [action["create"] for action, _ in pairs]
    assert {action["_index"] for action in actions} == {"metrics-apm.internal-prod"}
    assert len({action["_id"] for action in actions}) == 2
