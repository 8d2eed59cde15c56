"""The data streams that documents go to, each with its template and how long it keeps them. Pure.

Source: http-surface.md 8.4 (names), 8.5 (templates, retention).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["traces", "sampled", "errors", "logs", "metrics", "aggregates"]
"""Streams of one kind have the same mappings, but for what `Stream.metricset` adds."""


class Stream(NamedTuple):
    """One template's worth of data streams."""

    type: str
    dataset: str
    """Its beginning only, where `per_service`."""
    kind: Kind
    group: str
    """Key of the table of retentions."""
    per_service: bool = False
    """The name of the service is part of the dataset."""
    metricset: str = ""
    """Of aggregates: the name of the metric."""

    @property
    def name(self) -> str:
        """`traces-apm.rum`."""
        return f"{self.type}-{self.dataset}"

    @property
    def template(self) -> str:
        """Name of our template; no name that Elastic's own templates have."""
        return f"tidegate-{self.name}"

    @property
    def pattern(self) -> str:
        """All data streams of this kind, in every namespace. No two patterns meet, so they can share one priority."""
        return f"{self.name}{'.*' if self.per_service else ''}-*"

    def example(self, namespace: str) -> str:
        """The name of one of these data streams."""
        return f"{self.name}{'.unknown' if self.per_service else ''}-{namespace}"


INTERVALS = ("1m", "10m", "60m")
AGGREGATES = ("transaction", "service_transaction", "service_destination", "service_summary")

STREAMS = (
    Stream("traces", "apm", "traces", "traces"),
    Stream("traces", "apm.rum", "traces", "rum"),
    Stream("traces", "apm.sampled", "sampled", "sampled"),
    Stream("logs", "apm.error", "errors", "errors"),
    Stream("logs", "apm.app", "logs", "logs", per_service=True),
    Stream("metrics", "apm.app", "metrics", "metrics", per_service=True),
    Stream("metrics", "apm.internal", "metrics", "metrics"),
    *(
        Stream("metrics", f"apm.{name}.{interval}", "aggregates", interval, metricset=name)
        for name in AGGREGATES
        for interval in INTERVALS
    ),
)
EVENT_PATTERNS = ("traces-apm*", "logs-apm*", "metrics-apm*")
"""All of them, in the form that roles use."""
