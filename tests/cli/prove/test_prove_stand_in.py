"""The stand-in of prove: what exactly-once depends on it does as Elasticsearch does, and it misbehaves as told."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator
from threading import Thread
from typing import Any

import orjson
import pytest
from tidegate.cli.prove.bulk import Stored, inflate, refused
from tidegate.cli.prove.events import Events
from tidegate.cli.prove.instance import free_port
from tidegate.cli.prove.plan import Mood
from tidegate.cli.prove.stand_in import StandIn

EVENTS = Events("0badcafe")


def bulk(*numbers: int, index: str = "traces-apm-default") -> bytes:
    lines = []
    for number in numbers:
        lines.append(orjson.dumps({"create": {"_index": index, "_id": f"id{number}"}}))
        lines.append(orjson.dumps({"transaction": {"id": EVENTS.identity(number)}}))
    return b"\n".join([*lines, b""])


def statuses(answer: bytes) -> list[int]:
    return [item["create"]["status"] for item in orjson.loads(answer)["items"]]


def well() -> bool:
    return False


def test_an_id_is_created_once() -> None:
    stored = Stored(EVENTS, refusing=False)
    assert statuses(stored.write(bulk(1, 2, 1), well)) == [201, 201, 409]
    assert statuses(stored.write(bulk(2, 3), well)) == [409, 201]
    assert (stored.times, stored.conflicts) == ({1: 1, 2: 1, 3: 1}, 2)


def test_another_id_of_the_same_event_is_a_second_document() -> None:
    stored = Stored(EVENTS, refusing=False)
    stored.write(bulk(1) + bulk(1, index="traces-apm-other"), well)
    assert stored.times == {1: 2}
    assert stored.changed == {1}, "these documents lack what was sent"


def test_what_is_refused_is_refused_at_each_try() -> None:
    stored = Stored(EVENTS, refusing=True)
    assert refused(107) and not refused(106)
    for _ in range(2):
        assert statuses(stored.write(bulk(107), well)) == [400]
    assert stored.refusals == {107: 2} and not stored.times


def test_busy_documents_are_not_stored() -> None:
    stored = Stored(EVENTS, refusing=False)
    assert statuses(stored.write(bulk(1), lambda: True)) == [429]
    assert not stored.times


@pytest.mark.parametrize("body", [b"x", b"{}\n", b"\x1f\x8b\x08\x00cut"])
def test_what_is_no_bulk_request_raises(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Stored(EVENTS, refusing=False).write(inflate(body) if body[:1] == b"\x1f" else body, well)


def test_members_follow_each_other() -> None:
    assert inflate(gzip.compress(b"a\n") + gzip.compress(b"b\n")) == b"a\nb\n"


@pytest.fixture
def store() -> Iterator[StandIn]:
    made = StandIn(Stored(EVENTS, refusing=False), free_port())
    yield made
    made.close()


def ask(store: StandIn, method: str = "POST", path: str = "/_bulk", body: bytes | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(store.url.removeprefix("http://"), timeout=10)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, orjson.loads(answer.read())
    finally:
        connection.close()


CUT = (http.client.HTTPException, ConnectionError)


def test_it_answers_as_a_cluster(store: StandIn) -> None:
    assert ask(store, "GET", "/")[1]["cluster_uuid"]
    assert ask(store, "GET", "/_nodes?filter_path=x")[0] == 200
    assert ask(store, "GET", "/.apm-agent-configuration")[0] == 404
    assert ask(store, "POST", "/.apm-agent-configuration/_search", b"{}")[0] == 404
    assert ask(store, body=bulk(1))[0] == 200
    assert ask(store, body=b"no bulk request")[0] == 400
    assert store.arrived() == {1}


@pytest.mark.parametrize(("mood", "stored"), [(Mood.LOSING, {1}), (Mood.REFUSING, set())])
def test_connections_are_cut(store: StandIn, mood: Mood, stored: set[int]) -> None:
    store.mood = mood
    with pytest.raises(CUT):
        ask(store, body=bulk(1))
    assert store.arrived() == stored
    store.mood = Mood.WELL
    assert ask(store, body=bulk(1))[0] == 200
    assert store.arrived() == {1}


def test_an_unavailable_store_stores_nothing(store: StandIn) -> None:
    store.mood = Mood.UNAVAILABLE
    assert ask(store, body=bulk(1))[0] == 503
    assert store.arrived() == set()


def test_a_busy_store_takes_every_second_document(store: StandIn) -> None:
    store.mood = Mood.BUSY
    ask(store, body=bulk(1, 2, 3, 4))
    assert store.arrived() == {2, 4}


def test_a_hanging_store_cuts_when_it_wakes(store: StandIn) -> None:
    store.mood = Mood.HANGING
    heard: list[object] = []

    def waits() -> None:
        try:
            heard.append(ask(store, body=bulk(1)))
        except CUT as problem:
            heard.append(problem)

    client = Thread(target=waits)
    client.start()
    store.mood = Mood.WELL
    client.join(10)
    assert len(heard) == 1
    assert store.arrived() in ({1}, set()), "it was asked before or after its mood changed"
