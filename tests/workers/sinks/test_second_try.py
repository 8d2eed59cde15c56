"""What is stored in an older backing index is left out of the second try; all others keep their outcomes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest
from msgspec.structs import replace
from stand_in import DUPLICATE, INDEXED, PART, block
from tidegate.workers.sinks.cluster import ClusterSink
from tidegate.workers.sinks.contract import Postponed, Refused, Written
from tidegate.workers.sinks.parcel import fresh_parcel, halves, join
from tidegate.workers.sinks.second_try import OLDER, Documents, placed_back, stored_before
from tidegate.workers.spool.block import Block, block_lines
from tidegate.workers.spool.ledger import Place, Stored

TRACES, LOGS = "traces-apm-default", "logs-apm.error-default"


class FakeCluster:
    """Answers the two questions; `indices`: backing index → ids, in order of age."""

    def __init__(self, indices: dict[str, dict[str, str]], *, may_read: bool = True) -> None:
        self.indices, self.may_read = indices, may_read
        self.asked: list[str] = []

    def __call__(self, method: str, path: str, body: bytes | None) -> bytes | None:
        self.asked.append(path.partition("?")[0])
        if not self.may_read:
            return None
        if method == "GET":
            streams = [{"name": name, "backing_indices": list(backing)} for name, backing in self.indices.items()]
            return orjson.dumps({"data_streams": streams})
        index = path.split("/")[1]
        held = next(backing[index] for backing in self.indices.values() if index in backing)
        wanted = orjson.loads(body or b"")["ids"]
        return orjson.dumps({"docs": [{"_id": one, "found": one in held} for one in wanted]})


def names_of(blocks: list[Block]) -> str:
    return "".join(orjson.loads(line)["create"]["_id"] for one in blocks for line in block_lines(one)[::2])


@pytest.mark.parametrize(
    ("indices", "left"),
    [
        ({TRACES: {"a1": "abcdef"}}, "abcdef"),  # never rolled over: the present index answers 409 by itself
        ({TRACES: {"a1": "bd", "a2": ""}}, "acef"),
        ({TRACES: {"a1": "b", "a2": "d", "a3": ""}}, "acef"),
        ({TRACES: {"a1": "abcdef", "a2": ""}}, ""),
        ({LOGS: {"b1": "abcdef", "b2": ""}}, "abcdef"),
        ({}, "abcdef"),
    ],
)
def test_what_an_older_index_has_is_left_out(indices: dict[str, dict[str, str]], left: str) -> None:
    documents = Documents([block("abc"), block("def")])
    stored = stored_before(documents, FakeCluster(indices))
    blocks, places = documents.without(stored)
    assert names_of(blocks) == left
    assert [*"".join("abcdef"[place] for place in places)] == [*left]


def test_who_may_not_read_asks_once_and_sends_all() -> None:
    cluster = FakeCluster({TRACES: {"a1": "abc", "a2": ""}}, may_read=False)
    assert stored_before(Documents([block("abc")]), cluster) == set()
    assert cluster.asked == [f"/_resolve/index/{TRACES}"]


def test_each_data_stream_is_asked_for_its_own_ids() -> None:
    documents = Documents([block("ab"), block("ab", index=LOGS)])
    cluster = FakeCluster({TRACES: {"a1": "a", "a2": ""}, LOGS: {"b1": "b", "b2": ""}})
    assert stored_before(documents, cluster) == {0, 3}


def test_only_so_many_older_indices_are_asked() -> None:
    indices = {TRACES: {f"a{number}": "" for number in range(9)}}
    cluster = FakeCluster(indices)
    stored_before(Documents([block("a")]), cluster)
    assert cluster.asked[1:] == [f"/a{number}/_mget" for number in range(7, 7 - OLDER, -1)]


def test_many_data_streams_are_asked_in_short_lines() -> None:
    blocks = [block("a", index=f"logs-apm.app.{'x' * 200}{number}-default") for number in range(30)]
    cluster = FakeCluster({})
    stored_before(Documents(blocks), cluster)
    assert len(cluster.asked) == 3
    assert all(len(path) < 4_000 for path in cluster.asked)


def test_outcomes_are_told_by_the_places_of_before() -> None:
    written = Written(Counter(), [Refused(0, 400, "x", "y")], [Postponed(2, "busy", False)])
    back = placed_back(written, [1, 4, 5])
    assert [one.item for one in back.refused] == [1]
    assert [one.item for one in back.postponed] == [5]


@pytest.mark.parametrize("answer", [b"", b"[]", b"<html>", b'{"data_streams": 7}', b'{"data_streams": [{}]}'])
def test_answers_that_are_none_tell_nothing(answer: bytes) -> None:
    assert stored_before(Documents([block("a")]), lambda method, path, body: answer) == set()


def stored(place: int, *, earlier: bool) -> Stored:
    return Stored(Place(1, place, place + 1), block("ab"), 0.0, live=not earlier, earlier=earlier)


@pytest.mark.parametrize("earlier", [False, True])
def test_blocks_of_an_earlier_process_may_be_stored(earlier: bool) -> None:
    """Whatever becomes of the parcel, it stays so: halves of it, and what it is joined with."""
    parcel = fresh_parcel([stored(0, earlier=False), stored(1, earlier=earlier)])
    parts = halves(parcel)
    assert parts is not None
    joined, _ = join([fresh_parcel([stored(2, earlier=False)]), parcel], 1 << 20, 100)
    assert {parcel.unsure, joined.unsure, *(part.unsure for part in parts)} == {earlier}


@pytest.mark.shared
def test_a_sink_that_may_not_ask_sends_all(es: Any) -> None:
    """The stand-in of the tests does not know the question."""
    sink = ClusterSink(replace(PART, hosts=[es.url]), "1.2.3")
    try:
        assert sink.write([block("abc")], unsure=True).counts == {INDEXED: 3}
        assert sink.write([block("abcd")], unsure=True).counts == {INDEXED: 1, DUPLICATE: 3}
    finally:
        sink.close()
