"""Whole index templates, one for each kind of data stream. Pure.

Source: http-surface.md 8.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tidegate.workers.setup.abilities import Abilities
from tidegate.workers.setup.mappings import mappings_of
from tidegate.workers.setup.retention import DEFAULTS, lifecycle
from tidegate.workers.setup.streams import STREAMS, Stream

PRIORITY = 135
"""Above Elasticsearch's catch-all templates (`logs-*-*` and `metrics-*-*`: 100; OpenTelemetry's: 120) and below every
template for APM that Elastic has made (140 in 8.12 to 8.14, 150 and 200 from the APM integration, 210 since 8.15), so that
those win when they appear. No template of Elastic's has this number: two of one priority may not overlap."""
VERSION = 1
"""Goes up with each change of what is made here (a test reminds): a template of a newer Tidegate is left alone."""
MANAGED_BY = "tidegate"
_FIELDS_WITHOUT_IGNORING = 5000
"""Most fields of an index, where Elasticsearch would refuse documents beyond the limit (1000) and not leave fields out."""


class Request(NamedTuple):
    """A request to Elasticsearch."""

    method: str
    path: str
    body: dict[str, Any] | None = None


def template_of(stream: Stream, abilities: Abilities, period: str) -> dict[str, Any]:
    """The body of `PUT /_index_template/<stream.template>`; documents are kept for the period."""
    content: dict[str, Any] = {
        "settings": {"index": _settings(stream, abilities)},
        "mappings": mappings_of(stream, abilities.types),
    }
    if abilities.lifecycle:
        content["lifecycle"] = lifecycle(period)
    body: dict[str, Any] = {
        "index_patterns": [stream.pattern],
        "priority": PRIORITY,
        "version": VERSION,
        "_meta": {"managed_by": MANAGED_BY, "description": f"APM data streams {stream.pattern}, by `tidegate setup`"},
        "data_stream": {},
        "template": content,
    }
    if abilities.ignore_missing:
        # The names that Elastic's templates look for: what an owner adds there (replicas, allocation, more fields) holds for both.
        custom = ["apm@custom", f"{stream.name}@custom"]
        body |= {"composed_of": custom, "ignore_missing_component_templates": custom}
    return body


def _settings(stream: Stream, abilities: Abilities) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "mapping.ignore_malformed": True,  # one bad field does not cost the document
        "sort.field": "@timestamp",  # pages show the latest first
        "sort.order": "desc",
    }
    if abilities.ignore_beyond_limit:
        settings["mapping.total_fields.ignore_dynamic_beyond_limit"] = True
    else:
        settings["mapping.total_fields.limit"] = _FIELDS_WITHOUT_IGNORING
    if stream.type == "metrics":
        settings["codec"] = "best_compression"
    return settings


def put_template(stream: Stream, body: dict[str, Any]) -> Request:
    """The request that creates or replaces it."""
    return Request("PUT", f"/_index_template/{stream.template}", body)


def all_templates(
    abilities: Abilities, asked: Mapping[str, str], kept: Mapping[str, str] | None = None
) -> dict[Stream, dict[str, Any]]:
    """The template of each stream. `asked`: group → period; `kept`: template → period that holds where none is asked for."""
    return {
        stream: template_of(
            stream, abilities, asked.get(stream.group) or (kept or {}).get(stream.template) or DEFAULTS[stream.group]
        )
        for stream in STREAMS
    }
