"""Changing rules in the file and in the stand-in for Elasticsearch: the same behaviour in both places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from stand_in import PART
from tidegate.daemon.settings.parts import AgentConfigPart
from tidegate.workers.store.cluster_rules import ClusterRules
from tidegate.workers.store.local_rules import LocalRules
from tidegate.workers.store.rule_documents import INDEX
from tidegate.workers.store.rule_keeping import CannotChange, ClusterKeeper, RuleKeeper, open_keeper
from tidegate.workers.store.rules import Rule
from tidegate.workers.store.source import NothingKept

ONE = Rule("shop", "", "", {"a": "1"}, "e1")
TWO = Rule("shop", "", "java", {"a": "2"}, "e2")
OTHER = Rule("shop", "prod", "", {"a": "3"}, "e3")


@pytest.fixture(params=["file", "elasticsearch"])
def part(request: pytest.FixtureRequest, tmp_path: Path) -> AgentConfigPart:
    if request.param == "file":
        return AgentConfigPart(30.0, file=str(tmp_path / "rules.json"))
    es = request.getfixturevalue("es")
    return AgentConfigPart(30.0, elasticsearch=replace(PART, hosts=[es.url]))


def rules_of(part: AgentConfigPart) -> set[str]:
    """The etags that a worker reads."""
    if part.elasticsearch is None:
        reading = LocalRules(Path(part.file)).read()
        assert reading is not None
        return {rule.etag for rule in reading.rules}
    source = ClusterRules(part.elasticsearch, 30.0)
    try:
        return {rule.etag for rule in source.read().rules}
    except NothingKept:
        return set()
    finally:
        source.close()


def put(keeper: RuleKeeper, rule: Rule) -> Any:
    return keeper.change(rule.service, rule.environment, lambda _: rule)


@pytest.mark.shared
def test_rules_come_change_and_go(part: AgentConfigPart) -> None:
    keeper = open_keeper(part)
    assert keeper.documents() == []
    assert put(keeper, ONE) == (None, ONE)
    assert put(keeper, OTHER) == (None, OTHER)
    assert rules_of(part) == {"e1", "e3"}
    assert put(keeper, ONE) == (ONE, ONE)
    assert put(keeper, TWO) == (ONE, TWO)
    assert rules_of(part) == {"e2", "e3"}
    assert len(keeper.documents()) == 2
    assert keeper.change("shop", "", lambda _: None) == (TWO, None)
    assert keeper.change("shop", "", lambda _: None) == (None, None)
    assert rules_of(part) == {"e3"}
    keeper.close()


@pytest.mark.shared
def test_a_rule_of_kibana_keeps_its_id_and_its_doubles_go(es: Any) -> None:
    es.store(INDEX, [{"service": {"name": "shop"}, "settings": {"a": str(n)}, "etag": f"k{n}"} for n in range(3)])
    ids = [document["_id"] for document in es.documents(INDEX)]
    keeper = open_keeper(AgentConfigPart(30.0, elasticsearch=replace(PART, hosts=[es.url])))
    before, after = put(keeper, TWO)
    assert (before.etag, after) == ("k0", TWO)
    assert [document["_id"] for document in es.documents(INDEX)] == ids[:1]
    assert es.documents(INDEX)[0]["_source"] | {"@timestamp": 0} == {
        "@timestamp": 0,
        "service": {"name": "shop"},
        "agent_name": "java",
        "settings": {"a": "2"},
        "etag": "e2",
        "applied_by_agent": False,
    }
    keeper.close()


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([(403, {})], "takes a user with the role"),
        ([(400, {"error": {"type": "resource_already_exists_exception"}}), (403, {})], "takes a user with the role"),
        ([(200, {}), (400, {"error": {"reason": "strict"}})], "answers 400: strict"),
        ([(200, {}), (503, "busy")], "answers 503: no reason given"),
    ],
)
def test_refusals_are_told(monkeypatch: pytest.MonkeyPatch, answers: list[tuple[int, Any]], words: str) -> None:
    keeper = ClusterKeeper(AgentConfigPart(30.0, elasticsearch=replace(PART, hosts=["http://127.0.0.1:1"])))
    monkeypatch.setattr(keeper._source, "documents", _nothing_kept)
    monkeypatch.setattr(keeper._source, "ask", _answering(answers))
    with pytest.raises(CannotChange, match=words):
        put(keeper, ONE)
    keeper.close()


def _nothing_kept() -> list[Any]:
    raise NothingKept("none")


def _answering(answers: list[tuple[int, Any]]) -> Callable[..., tuple[int, Any]]:
    left = list(answers)
    return lambda *_: left.pop(0)
