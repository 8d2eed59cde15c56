"""The worked examples of intake-to-documents.md, section 9, to the letter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tidegate.daemon.wire.frames import RequestBase

DATA = json.loads((Path(__file__).parent / "worked_examples.json").read_text())
OBSERVER = {"observer_hostname": "apm-1", "observer_version": "9.5.2"}
BACKEND = RequestBase(**OBSERVER, host_ip="10.1.2.3")
BROWSER = RequestBase(
    **OBSERVER,
    rum=True,
    client_ip="10.1.2.3",
    source_ip="10.1.2.3",
    source_port=40112,
    user_agent="Mozilla/5.0 (X11) Firefox/133.0",
)


def sorted_samples(document: dict[str, Any]) -> dict[str, Any]:
    """Samples have no order."""
    document.get("metricset", {}).get("samples", []).sort(key=lambda sample: sample["name"])
    return document


@pytest.mark.parametrize("example", DATA["examples"], ids=lambda example: example["section"])
def test_worked_example(example: dict[str, Any], made: Any) -> None:
    browser = "metadata" in example
    got = made(
        example["line"],
        example.get("metadata", {"metadata": DATA["metadata"]["metadata"]}),
        BROWSER if browser else BACKEND,
    )
    for document in got:
        stream = document["data_stream"]
        assert document.pop("_index") == f"{stream['type']}-{stream['dataset']}-{stream['namespace']}"
    assert [sorted_samples(one) for one in got] == [sorted_samples(one) for one in example["documents"]]
