"""The index templates that a cluster has: which of them is in force for a data stream, and whose it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tidegate.workers.setup.fields import flat
from tidegate.workers.setup.retention import FOREVER
from tidegate.workers.setup.templates import MANAGED_BY

TEMPLATES_PATH = "/_index_template"
"""The cluster privilege `monitor` answers it."""


class Found(NamedTuple):
    """An index template of the cluster."""

    name: str
    body: Mapping[str, Any]

    @property
    def priority(self) -> int:
        """0 where none is given."""
        return int(self.body.get("priority") or 0)

    @property
    def version(self) -> int:
        """0 where none is given."""
        return int(self.body.get("version") or 0)

    @property
    def is_ours(self) -> bool:
        """Made by `tidegate setup`."""
        return (self.body.get("_meta") or {}).get("managed_by") == MANAGED_BY

    @property
    def makes_data_streams(self) -> bool:
        """It does not make ordinary indices."""
        return self.body.get("data_stream") is not None

    def matches(self, index: str) -> bool:
        """Whether an index of this name would be made from it, if no other template came first."""
        return any(_matches(pattern, index) for pattern in self.body.get("index_patterns") or ())


def _matches(pattern: str, index: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), index) is not None


def found_templates(answer: Any) -> list[Found]:
    """Of the answer to `TEMPLATES_PATH`; what has not its form is left out."""
    entries = answer.get("index_templates") if isinstance(answer, Mapping) else None
    return [
        Found(entry["name"], entry["index_template"])
        for entry in entries or ()
        if isinstance(entry, Mapping) and "name" in entry and isinstance(entry.get("index_template"), Mapping)
    ]


def in_force(templates: Iterable[Found], index: str) -> Found | None:
    """The template from which Elasticsearch would make the index: the matching one of highest priority."""
    return max((one for one in templates if one.matches(index)), key=lambda one: one.priority, default=None)


def kept_periods(templates: Iterable[Found]) -> dict[str, str]:
    """How long each of our templates keeps documents: an earlier wish outlives a run that has none."""
    periods = {}
    for one in templates:
        content = (one.body.get("template") or {}).get("lifecycle")
        if one.is_ours and isinstance(content, Mapping):
            periods[one.name] = str(content.get("data_retention") or FOREVER)
    return periods


def same(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether a template that is there is the wanted one, written as Elasticsearch writes it."""
    return _normal(wanted) == _normal(found)


def _normal(body: Mapping[str, Any]) -> dict[str, Any]:
    content = body.get("template") or {}
    return {
        "patterns": _listed(body.get("index_patterns")),
        "priority": body.get("priority"),
        "version": body.get("version"),
        "meta": body.get("_meta"),
        "makes data streams": body.get("data_stream") is not None,
        "composed of": body.get("composed_of") or [],
        "may be missing": body.get("ignore_missing_component_templates") or [],
        "settings": {
            f"index.{name.removeprefix('index.')}": _text(value)
            for name, value in flat(content.get("settings") or {}).items()
        },
        "mappings": content.get("mappings"),
        "retention": (content.get("lifecycle") or {}).get("data_retention"),
        "has a lifecycle": content.get("lifecycle") is not None,
    }


def _listed(patterns: Any) -> list[str]:
    return [patterns] if isinstance(patterns, str) else list(patterns or ())


def _text(value: Any) -> str:
    """Elasticsearch keeps settings as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
