"""Index templates: what they must hold, on clusters that can do everything and on those that cannot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from tidegate.workers.setup.abilities import ALL, MODULES, Abilities, abilities_of
from tidegate.workers.setup.existing import Found
from tidegate.workers.setup.fields import nested
from tidegate.workers.setup.mappings import fields_of
from tidegate.workers.setup.retention import DEFAULTS, wished
from tidegate.workers.setup.streams import STREAMS, Stream
from tidegate.workers.setup.templates import PRIORITY, VERSION, all_templates, template_of

CONTENT_OF_VERSION = {1: "2930063d01d21b07"}
NOTHING = Abilities(frozenset(), lifecycle=False, ignore_beyond_limit=False, ignore_missing=False, apm_data=False)
BY_NAME = {stream.name: stream for stream in STREAMS}
SERVERS_OWN = {"keyword", "long", "double", "date", "ip", "boolean", "flattened", "object", "text"}
TAKEN_PRIORITIES = {100, 120, 130, 131, 140, 150, 200, 210}
"""Of Elastic's templates for logs, metrics and traces: built-in, OpenTelemetry, Prometheus, APM of all versions."""

WAYS = [
    ("traces-apm", "traces-apm-default"),
    ("traces-apm.rum", "traces-apm.rum-prod"),
    ("traces-apm.sampled", "traces-apm.sampled-default"),
    ("logs-apm.error", "logs-apm.error-default"),
    ("logs-apm.app", "logs-apm.app.unknown-default"),
    ("metrics-apm.app", "metrics-apm.app.other_svc_é!-default"),
    ("metrics-apm.internal", "metrics-apm.internal-default"),
    ("metrics-apm.transaction.1m", "metrics-apm.transaction.1m-default"),
    ("metrics-apm.service_destination.60m", "metrics-apm.service_destination.60m-x"),
]

KIBANA_NEEDS = {
    "traces-apm": """@timestamp agent.name timestamp.us trace.id service.name processor.event transaction.id
        transaction.duration.us transaction.name transaction.type transaction.sampled span.id span.type span.name
        span.duration.us span.composite.sum.us span.composite.count span.composite.compression_strategy""",
    "logs-apm.error": "@timestamp timestamp.us trace.id service.name error.id error.grouping_key processor.event agent.name",
    "metrics-apm.internal": "@timestamp agent.name service.name processor.event metricset.name",
    "metrics-apm.transaction.1m": """@timestamp agent.name service.name metricset.name metricset.interval
        transaction.duration.histogram transaction.duration.summary event.success_count processor.event""",
}
"""experiments.md section 4, http-surface.md 8.5."""

NOT_INDEXED = {
    "traces-apm": "span.stacktrace transaction.custom http.request.body http.request.cookies http.request.env",
    "logs-apm.error": """error.exception.stacktrace error.log.stacktrace error.custom error.exception.attributes
        http.request.body http.request.cookies""",
}


def leaves(properties: dict[str, Any], before: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in properties.items():
        if "properties" in field:
            yield from leaves(field["properties"], f"{before}{name}.")
        else:
            yield f"{before}{name}", field


def fields_in(stream: Stream, abilities: Abilities = ALL) -> dict[str, dict[str, Any]]:
    return dict(leaves(template_of(stream, abilities, "10d")["template"]["mappings"]["properties"]))


def test_the_streams_are_those_of_the_documents() -> None:
    assert len(STREAMS) == len(BY_NAME) == 19
    for name, index in WAYS:
        matching = [stream.name for stream in STREAMS if Found("", {"index_patterns": [stream.pattern]}).matches(index)]
        assert matching == [name], index
    for stream in STREAMS:
        assert Found("", {"index_patterns": [stream.pattern]}).matches(stream.example("default"))


def test_no_two_patterns_meet() -> None:
    """Elasticsearch refuses overlapping templates of one priority. Up to the first `*` the patterns differ already."""
    for one, other in combinations((stream.pattern.partition("*")[0] for stream in STREAMS), 2):
        assert not one.startswith(other) and not other.startswith(one)


def test_the_priority_is_free_and_below_elastics_own_for_apm() -> None:
    assert PRIORITY not in TAKEN_PRIORITIES
    assert 120 < PRIORITY < 140


@pytest.mark.parametrize("name", KIBANA_NEEDS)
def test_what_kibana_needs_is_mapped_from_the_first_document(name: str) -> None:
    fields = fields_in(BY_NAME[name])
    assert set(KIBANA_NEEDS[name].split()) <= fields.keys()
    if "timestamp.us" in KIBANA_NEEDS[name]:
        assert fields["timestamp.us"] == {"type": "long"}


@pytest.mark.parametrize("name", NOT_INDEXED)
def test_what_may_hold_anything_is_not_indexed(name: str) -> None:
    fields = fields_in(BY_NAME[name])
    for field in NOT_INDEXED[name].split():
        assert fields[field] == {"type": "object", "dynamic": False}
    assert fields["http.request.headers"]["type"] == "flattened"


@pytest.mark.parametrize("abilities", [ALL, NOTHING], ids=["a current distribution", "one with nothing"])
@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_every_template(stream: Stream, abilities: Abilities) -> None:
    body = template_of(stream, abilities, "10d")
    mappings = body["template"]["mappings"]
    index = body["template"]["settings"]["index"]
    assert body["data_stream"] == {} and body["_meta"]["managed_by"] == "tidegate" and body["version"] == VERSION
    assert mappings["date_detection"] is False
    assert mappings["dynamic_templates"][-1]["strings"]["mapping"] == {"type": "keyword", "ignore_above": 1024}
    labels = mappings["dynamic_templates"][0]["numeric_labels"]
    assert labels["path_match"] == "numeric_labels.*"
    assert index["mapping.ignore_malformed"] is True and index["sort.field"] == "@timestamp"
    assert index.get("codec") == ("best_compression" if stream.type == "metrics" else None)
    types = {field["type"] for field in fields_in(stream, abilities).values()} | {labels["mapping"]["type"]}
    if abilities is ALL:
        assert labels["mapping"] == {"type": "scaled_float", "scaling_factor": 1_000_000}
        assert types <= SERVERS_OWN | MODULES.keys()
        assert body["template"]["lifecycle"] == {"data_retention": "10d"}
        assert index["mapping.total_fields.ignore_dynamic_beyond_limit"] is True
        assert f"{stream.name}@custom" in body["ignore_missing_component_templates"]
    else:
        assert types <= SERVERS_OWN
        assert "lifecycle" not in body["template"] and "composed_of" not in body
        assert "mapping.total_fields.ignore_dynamic_beyond_limit" not in index


def test_the_same_fields_are_there_whatever_the_cluster_can_do() -> None:
    for stream in STREAMS:
        poor = {name.removesuffix(".sum").removesuffix(".value_count") for name in fields_in(stream, NOTHING)}
        assert poor == {name.removesuffix(".sum") for name in fields_in(stream)}


def test_retention_is_that_of_the_table_unless_asked_for_or_kept() -> None:
    def periods(asked: dict[str, str], kept: dict[str, str]) -> dict[str, str]:
        made = all_templates(ALL, asked, kept)
        return {stream.name: body["template"]["lifecycle"].get("data_retention", "") for stream, body in made.items()}

    usual = periods({}, {})
    assert usual == {stream.name: DEFAULTS[stream.group] for stream in STREAMS}
    assert (usual["traces-apm"], usual["traces-apm.rum"], usual["traces-apm.sampled"]) == ("10d", "90d", "1h")
    assert (usual["logs-apm.error"], usual["metrics-apm.internal"]) == ("10d", "90d")
    assert [usual[f"metrics-apm.transaction.{interval}"] for interval in ("1m", "10m", "60m")] == [
        "90d",
        "180d",
        "390d",
    ]
    changed = periods(
        {"traces": "30d", "1m": "forever"}, {"tidegate-traces-apm": "5d", "tidegate-logs-apm.error": "7d"}
    )
    assert changed["traces-apm"] == "30d", "a wish outweighs an earlier one"
    assert changed["logs-apm.error"] == "7d", "an earlier wish is kept"
    assert changed["metrics-apm.transaction.1m"] == "", "forever is a lifecycle without an end"


@pytest.mark.parametrize(
    ("texts", "periods"),
    [
        ([], {}),
        (["traces=30d"], {"traces": "30d"}),
        (["traces=30d", "traces=4w"], {"traces": "28d"}),
        (["logs=12h", "60m=forever"], {"logs": "12h", "60m": "forever"}),
        (["30d", "traces=1d"], {**dict.fromkeys(DEFAULTS, "30d"), "traces": "1d"}),
    ],
)
def test_wishes(texts: list[str], periods: dict[str, str]) -> None:
    found = wished(texts)
    periods.pop("sampled", None)
    assert found == periods


@pytest.mark.parametrize(
    "text", ["traces=", "traces=0d", "traces=30", "traces=1.5d", "trace=30d", "30m", "=1d", "", "traces=-1d"]
)
def test_wishes_that_cannot_be_understood(text: str) -> None:
    with pytest.raises(ValueError, match=r"period|groups"):
        wished([text])


ANSWERS: dict[str, tuple[object, Abilities]] = {
    "no answer": ("no handler found", ALL),
    "no nodes": ({}, ALL),
    "nodes that tell no modules": ({"nodes": {"a": {"version": "9.2.0"}}}, ALL),
    "a small distribution": (
        {"nodes": {"a": {"version": "9.2.0", "modules": [{"name": "x-pack-core"}]}}},
        Abilities(frozenset(), lifecycle=True, ignore_beyond_limit=True, ignore_missing=True, apm_data=False),
    ),
    "one old node among new ones": (
        {
            "nodes": {
                "a": {"version": "8.6.2", "modules": [{"name": "mapper-extras"}, {"name": "constant-keyword"}]},
                "b": {"version": "8.19.1", "modules": [{"name": "mapper-extras"}, {"name": "x-pack-apm-data"}]},
            }
        },
        Abilities(
            frozenset({"scaled_float", "match_only_text"}),
            lifecycle=False,
            ignore_beyond_limit=False,
            ignore_missing=False,
            apm_data=False,
        ),
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_abilities(case: str) -> None:
    answer, abilities = ANSWERS[case]
    assert abilities_of(answer) == abilities


def test_a_field_below_a_field_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"a\.b"):
        nested({"a": {"type": "keyword"}, "a.b": {"type": "keyword"}}, frozenset())
    for stream in STREAMS:
        assert len(fields_in(stream)) == len(fields_of(stream))


def test_the_version_goes_up_with_the_content() -> None:
    """When this fails: raise VERSION and note the new digest here, so that clusters are updated and never downgraded."""
    made = {stream.name: body for stream, body in all_templates(ALL, {}).items()}
    digest = hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()
    assert {VERSION: digest[:16]}.items() <= CONTENT_OF_VERSION.items(), digest[:16]
