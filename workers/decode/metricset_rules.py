"""`metricset`: intake-to-documents.md 4.6."""

from __future__ import annotations

from tidegate.workers.decode import leaves, model, rules
from tidegate.workers.decode.fields import labels, nested, nested_map, number, text, time
from tidegate.workers.decode.rules import Field, Table
from tidegate.workers.decode.shared_rules import FAAS

_SAMPLE = Table(
    "v2.metricsetSampleValue",
    model.Sample,
    Field("values", "values", "Values", leaves.read_floats, required_with=("counts",)),
    Field("counts", "counts", "Counts", leaves.read_counts, required_with=("values",)),
    text("type"),
    text("unit"),
    number("value"),
    one_of=("value", "values"),
)

METRICSET = Table(
    "v2.metricset",
    model.Metricset,
    nested_map("samples", _SAMPLE, rules.sample_names, required=True),
    nested("span", Table("v2.metricsetSpanRef", model.MetricSpan, text("subtype", 1024), text("type", 1024))),
    labels("tags"),
    nested(
        "transaction",
        Table("v2.metricsetTransactionRef", model.MetricTransaction, text("name", 1024), text("type", 1024)),
    ),
    nested("service", Table("v2.metricsetServiceRef", model.MetricService, text("name", 1024), text("version", 1024))),
    nested("faas", FAAS),
    time(),
)
