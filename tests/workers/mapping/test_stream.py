"""Splicing: what is joined is what a plain merge gives, whatever stands on both sides."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import convert
from tidegate.daemon.wire.frames import RequestBase
from tidegate.workers.decode.model import Metadata
from tidegate.workers.mapping.stream import Stream

SERVICE = {"name": "shop", "agent": {"name": "python", "version": "6"}}
STREAM = Stream(
    RequestBase(host_ip="10.0.0.1", observer_hostname="o", client_ip="1.1.1.1", source_ip="1.1.1.1", user_agent="ua"),
    convert({"service": SERVICE, "labels": {"a": "b", "n": 1}, "process": {"pid": 1}}, Metadata),
)
FIELDS = st.sampled_from([*STREAM.constants, "@timestamp", "transaction", "queue.depth", "é"])
VALUES = st.text() | st.integers(-(2**63), 2**64 - 1) | st.dictionaries(st.text(), st.integers() | st.none())


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@given(st.dictionaries(FIELDS, VALUES, min_size=1))
def test_joined_is_merged(own: dict[str, Any]) -> None:
    line = STREAM.join(b"head\n", own)
    head, document, rest = line.split(b"\n")
    assert (head, rest) == (b"head", b"")
    assert json.loads(document, object_pairs_hook=unique) == {**STREAM.constants, **own}


def test_everything_replaced() -> None:
    own = dict.fromkeys(STREAM.constants, 0)
    assert json.loads(STREAM.join(b"", own)) == own


def test_ready_made_rests_are_bounded() -> None:
    """A sender with ever new fields (metrics in complete documents) costs time, not memory."""
    for number in range(2_000):
        STREAM.join(b"", {f"metric.{number}": 1})
    assert sum(map(len, STREAM._tails.values())) <= 256 * 1024


def test_the_service_with_its_target() -> None:
    line = STREAM.join(b"", {"service": STREAM.service_to["redis"]})
    assert json.loads(line)["service"] == {**STREAM.service, "target": {"type": "redis"}}
