"""Rules to documents and back; what Kibana or others may have stored is taken as far as it goes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tidegate.workers.store.rule_documents import LARGEST_RULE, document_of, etag_of, rule_of
from tidegate.workers.store.rules import Rule

WHOLE = Rule("shop", "prod", "java", {"capture_body": "all", "transaction_sample_rate": "0.5"}, "e")


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (
            {
                "@timestamp": 1,
                "service": {"name": "shop", "environment": "prod"},
                "agent_name": "java",
                "settings": {"transaction_sample_rate": "0.5", "capture_body": "all"},
                "etag": "e",
                "applied_by_agent": True,
            },
            WHOLE,
        ),
        ({"service": {}, "settings": {}, "etag": "e"}, Rule("", "", "", {}, "e")),
        ({"service": {"name": "a"}, "etag": "e"}, Rule("a", "", "", None, "e")),
        ({"settings": {"a": True, "b": 0.5, "c": [1], "d": None}}, Rule("", "", "", {"a": "true", "b": "0.5"}, "")),
        ({"service": "a", "settings": "b", "etag": 5}, Rule("", "", "", None, "5")),
    ],
)
def test_stored_documents(document: dict[str, Any], rule: Rule) -> None:
    assert rule_of(document) == rule
    assert list((rule_of(document) or WHOLE).settings or ()) == sorted(rule.settings or ())


def test_a_rule_that_is_too_large_is_none() -> None:
    assert rule_of({"settings": {"a": "x" * LARGEST_RULE}, "etag": "e"}) is None


def test_documents_are_those_of_kibana() -> None:
    assert document_of(WHOLE, 1_700_000_000_000) == {
        "@timestamp": 1_700_000_000_000,
        "service": {"name": "shop", "environment": "prod"},
        "agent_name": "java",
        "settings": {"capture_body": "all", "transaction_sample_rate": "0.5"},
        "etag": "e",
        "applied_by_agent": False,
    }
    assert document_of(Rule("", "", "", {}, "e"), 1)["service"] == {}


@settings(deadline=None)
@given(st.text(), st.text(), st.text(), st.dictionaries(st.text(), st.text()))
def test_what_is_written_is_what_is_read(service: str, environment: str, agent: str, texts: dict[str, str]) -> None:
    rule = Rule(service, environment, agent, dict(sorted(texts.items())), "e")
    assert rule_of(document_of(rule, 1)) in (rule, None)


def test_the_etag_changes_with_the_rule_alone() -> None:
    etags = {
        etag_of("a", "b", "c", {"x": "1", "y": "2"}),
        etag_of("a", "b", "c", {"y": "2", "x": "1"}),
        etag_of("a", "b", "", {"x": "1", "y": "2"}),
        etag_of("ab", "", "c", {"x": "1", "y": "2"}),
        etag_of("a", "b", "c", {"x": "1"}),
    }
    assert len(etags) == 4
    assert {len(etag) for etag in etags} == {40}
