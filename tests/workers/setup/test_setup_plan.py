"""What would be done to a cluster, for every state in which its templates may be."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tidegate.workers.setup.abilities import ALL
from tidegate.workers.setup.existing import Found, found_templates, in_force, kept_periods, same
from tidegate.workers.setup.plan import Deed, completes_nothing, missing, plan_removal, plan_retention, plan_setup
from tidegate.workers.setup.streams import STREAMS
from tidegate.workers.setup.templates import PRIORITY, VERSION, all_templates

WANTED = all_templates(ALL, {})
OURS = [Found(stream.template, body) for stream, body in WANTED.items()]
TRACES = STREAMS[0]


def other(priority: int | None, *patterns: str, data_stream: bool = True, name: str = "theirs") -> Found:
    body: dict[str, Any] = {"index_patterns": list(patterns or ("traces-apm-*",))}
    if priority is not None:
        body["priority"] = priority
    if data_stream:
        body["data_stream"] = {}
    return Found(name, body)


def changed(**parts: Any) -> Found:
    body = {**copy.deepcopy(dict(OURS[0].body)), **parts}
    return Found(TRACES.template, body)


STATES: dict[str, tuple[list[Found], Deed, str]] = {
    "nothing there": ([], Deed.CREATE, ""),
    "Elasticsearch's catch-all": ([other(100, "traces-*-*")], Deed.CREATE, ""),
    "a template without priority": ([other(None, "*")], Deed.CREATE, ""),
    "one for other streams": ([other(500, "traces-apm.rum-*", "books")], Deed.CREATE, ""),
    "one for another namespace": ([other(500, "traces-apm-prod*")], Deed.CREATE, ""),
    "ours": ([OURS[0]], Deed.KEEP, ""),
    "ours, older": ([changed(version=VERSION - 1)], Deed.UPDATE, ""),
    "ours, changed by hand": ([changed(template={"settings": {}})], Deed.UPDATE, ""),
    "ours, of a newer Tidegate": ([changed(version=VERSION + 1, template={})], Deed.KEEP, "newer"),
    "Elastic's own": ([other(210)], Deed.LEAVE, "theirs (priority 210)"),
    "Elastic's own, in 8.12": ([other(140)], Deed.LEAVE, "theirs (priority 140)"),
    "the integration's": ([other(200, "traces-apm-*"), other(150, "traces-*", name="x")], Deed.LEAVE, "theirs"),
    "Elastic's own and ours": ([OURS[0], other(210)], Deed.LEAVE, "--remove"),
    "one for ordinary indices": ([other(300, data_stream=False)], Deed.BLOCKED, "ordinary"),
    "one for ordinary indices, below ours": ([other(10, data_stream=False)], Deed.CREATE, ""),
    "one of our priority": ([other(PRIORITY, "traces-*")], Deed.BLOCKED, "priority"),
    "our name, not ours": ([other(1, "books", name=TRACES.template)], Deed.BLOCKED, "rename"),
}


@pytest.mark.parametrize("state", STATES)
def test_states(state: str) -> None:
    found, deed, words = STATES[state]
    step = plan_setup(found, {TRACES: WANTED[TRACES]}, "default")[0]
    assert (step.deed, step.template, step.pattern) == (deed, "tidegate-traces-apm", "traces-apm-*")
    assert words in step.because
    if deed in (Deed.CREATE, Deed.UPDATE):
        assert step.request == ("PUT", "/_index_template/tidegate-traces-apm", WANTED[TRACES])
    else:
        assert step.request is None


def test_all_at_once_and_again() -> None:
    assert {step.deed for step in plan_setup([], WANTED, "default")} == {Deed.CREATE}
    assert {step.deed for step in plan_setup(OURS, WANTED, "default")} == {Deed.KEEP}


def test_the_answer_of_elasticsearch_is_the_same_template() -> None:
    """As Elasticsearch 9.2 writes it: settings nested and as text, more keys, other order."""
    body = copy.deepcopy(WANTED[TRACES])
    body["template"]["settings"] = {
        "index": {
            "sort": {"field": "@timestamp", "order": "desc"},
            "mapping": {"total_fields": {"ignore_dynamic_beyond_limit": "true"}, "ignore_malformed": "true"},
        }
    }
    body["template"]["lifecycle"]["enabled"] = True
    body |= {"data_stream": {"hidden": False, "allow_custom_routing": False}, "created_date_millis": 1}
    assert same(WANTED[TRACES], body)
    for spoiled in (
        {"priority": 1},
        {"index_patterns": ["traces-apm-default"]},
        {"_meta": {}},
        {"template": {**body["template"], "lifecycle": {"data_retention": "11d"}}},
        {"template": {**body["template"], "mappings": {}}},
        {"composed_of": []},
    ):
        assert not same(WANTED[TRACES], {**body, **spoiled})


def test_only_what_is_ours_is_removed() -> None:
    pretender = Found("tidegate-books", {"index_patterns": ["books"]})
    old = Found("tidegate-gone", {"index_patterns": ["a-*", "b-*"], "_meta": {"managed_by": "tidegate"}})
    steps = plan_removal([pretender, other(210), old, OURS[0]])
    assert [(step.deed, step.template, step.request) for step in steps] == [
        (Deed.REMOVE, "tidegate-gone", ("DELETE", "/_index_template/tidegate-gone", None)),
        (Deed.REMOVE, "tidegate-traces-apm", ("DELETE", "/_index_template/tidegate-traces-apm", None)),
    ]


def test_which_template_is_in_force() -> None:
    low, high, elsewhere = other(1, "traces-*", name="low"), other(7, "*-apm-*", name="high"), other(9, "logs-*")
    assert in_force([low, high, elsewhere], "traces-apm-default") == high
    assert in_force([low, high, elsewhere], "traces-apm.rum-default") == low
    assert in_force([low], "metrics-apm.internal-default") is None
    assert in_force([other(1, "a.b-*")], "axb-1") is None, "only * stands for anything"


def test_missing_templates() -> None:
    assert missing([], "default") == [stream.pattern for stream in STREAMS]
    assert missing(OURS, "default") == []
    assert missing([*OURS, other(500, data_stream=False)], "default") == ["traces-apm-*"]
    assert "traces-apm-*" in missing([other(100, "logs-*-*"), other(100, "metrics-*-*")], "default")


def test_who_completes_documents() -> None:
    assert completes_nothing(OURS, "default")
    assert not completes_nothing([*OURS, other(210)], "default")
    assert not completes_nothing([], "default")


def test_earlier_wishes() -> None:
    lasting = changed(template={"lifecycle": {"enabled": True}})
    assert kept_periods([OURS[1], other(210)]) == {"tidegate-traces-apm.rum": "90d"}
    assert kept_periods([lasting]) == {"tidegate-traces-apm": "forever"}
    assert kept_periods([changed(template={})]) == {}


def test_retention_of_data_streams_that_are_there() -> None:
    answer = {
        "data_streams": [
            {"name": "traces-apm-a", "template": "tidegate-traces-apm", "lifecycle": {"data_retention": "10d"}},
            {"name": "traces-apm-b", "template": "tidegate-traces-apm", "lifecycle": {"data_retention": "30d"}},
            {"name": "traces-apm-c", "template": "tidegate-traces-apm"},
            {"name": "traces-apm-d", "template": "traces-apm@template", "lifecycle": {"data_retention": "10d"}},
            {"name": "logs-apm.error-a", "template": "tidegate-logs-apm.error", "lifecycle": {"data_retention": "10d"}},
            {"name": "nameless"},
        ]
    }
    planned = plan_retention(answer, {"traces": "30d"})
    assert [one.request for one in planned] == [
        ("PUT", f"/_data_stream/traces-apm-{name}/_lifecycle", {"data_retention": "30d"}) for name in "ac"
    ]
    assert [one.name for one in plan_retention(answer, {"errors": "forever"})] == ["logs-apm.error-a"]
    assert plan_retention(answer, {}) == plan_retention("nonsense", {"traces": "30d"}) == []


@pytest.mark.parametrize("answer", [None, "text", {}, {"index_templates": [{}, {"name": "x"}, 3]}])
def test_answers_that_are_none(answer: object) -> None:
    assert found_templates(answer) == []
