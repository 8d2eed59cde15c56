"""Rules from the stand-in for Elasticsearch, in all its moods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from stand_in import PART
from tidegate.workers.store import cluster_rules
from tidegate.workers.store.cluster_rules import ClusterRules
from tidegate.workers.store.rule_documents import INDEX
from tidegate.workers.store.source import CannotRead, NothingKept, NotPermitted

pytestmark = pytest.mark.shared


@pytest.fixture
def source_of() -> Iterator[Callable[..., ClusterRules]]:
    made: list[ClusterRules] = []

    def make(es: Any, monotonic: Callable[[], float] = lambda: 0.0, **changes: Any) -> ClusterRules:
        part = replace(PART, hosts=[es.url], **changes)
        made.append(ClusterRules(part, 30.0, monotonic=monotonic))
        return made[-1]

    yield make
    for source in made:
        source.close()


def documents(number: int) -> list[dict[str, Any]]:
    return [{"service": {"name": f"s{n}"}, "settings": {"a": str(n)}, "etag": f"e{n}"} for n in range(number)]


@pytest.mark.parametrize("number", [1, 99, 100, 101, 250])
def test_all_pages_are_read_and_the_search_is_freed(
    es: Any, source_of: Callable[..., ClusterRules], number: int
) -> None:
    es.store(INDEX, documents(number))
    reading = source_of(es).read()
    assert [rule.service for rule in reading.rules] == [f"s{n}" for n in range(number)]
    assert reading.left_out == 0
    asked = [(request["method"], request["path"]) for request in es.requests()]
    assert asked[0] == ("POST", f"/{INDEX}/_search")
    assert asked[-1] == ("DELETE", "/_search/scroll")
    assert set(asked[1:-1]) == {("POST", "/_search/scroll")}
    assert es.requests()[0]["query"] == {"scroll": "5000ms", "size": "100"}
    assert es._server.cluster.scrolls == {}


def test_credentials_and_headers(es: Any, source_of: Callable[..., ClusterRules]) -> None:
    es.store(INDEX, documents(1))
    source_of(es, username="u", password="p", headers={"X-Mine": "yes"}).read()
    for request in es.requests():
        assert request["headers"]["authorization"] == "Basic dTpw"
        assert request["headers"]["x-mine"] == "yes"
        assert request["headers"]["x-elastic-product-origin"] == "observability"


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, NotPermitted, "answers 401: reading needs the privilege read"),
        (403, NotPermitted, "answers 403: reading needs the privilege read"),
        (429, CannotRead, "answers 429"),
        (503, CannotRead, "answers 503"),
    ],
)
def test_refusals(
    es: Any, source_of: Callable[..., ClusterRules], status: int, kind: type[CannotRead], words: str
) -> None:
    es.store(INDEX, documents(1))
    es.configure(search_status={INDEX: status})
    source = source_of(es)
    with pytest.raises(CannotRead, match=words) as raised:
        source.read()
    assert type(raised.value) is kind
    es.configure(search_status={})
    assert len(source.read().rules) == 1


def test_without_an_index_nothing_can_be_read(es: Any, source_of: Callable[..., ClusterRules]) -> None:
    with pytest.raises(NothingKept, match="has no index"):
        source_of(es).read()


def test_a_cluster_that_is_away() -> None:
    source = ClusterRules(replace(PART, hosts=["http://127.0.0.1:1"]), 30.0)
    with pytest.raises(CannotRead, match="cannot be asked"):
        source.read()
    source.close()


def test_a_reading_ends_in_time(es: Any, source_of: Callable[..., ClusterRules]) -> None:
    es.store(INDEX, documents(250))
    times = iter([0.0, 4.9, 5.0])
    with pytest.raises(CannotRead, match="more than 5 s"):
        source_of(es, lambda: next(times)).read()
    assert es._server.cluster.scrolls == {}


def test_rules_beyond_the_limit_are_counted(
    es: Any, source_of: Callable[..., ClusterRules], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_rules, "MOST_RULES", 120)
    es.store(INDEX, documents(250))
    reading = source_of(es).read()
    assert (len(reading.rules), reading.left_out) == (120, 80)
