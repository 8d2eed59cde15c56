"""Prometheus' text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). Pure.

Forty lines: a client library would bring its own registry, which cannot count over processes that die.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tidegate.daemon.telemetry.balance import Totals
from tidegate.daemon.telemetry.metrics import CELLS, TABLE, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Computed = Mapping[Metric, Sequence[tuple[tuple[str, ...], float]]]
"""Figures that are in no slot: for each combination of label values, the number."""


def exposed(totals: Totals, computed: Computed) -> bytes:
    """The page: the metrics of slots, then the computed ones."""
    lines: list[str] = []
    for metric in TABLE:
        cells = (
            (cell.values, totals[metric.role][at] / metric.scale)
            for at, cell in enumerate(CELLS[metric.role])
            if cell.metric is metric
        )
        lines += _family(metric, cells)
    for metric, samples in computed.items():
        lines += _family(metric, samples)
    return "".join(f"{line}\n" for line in lines).encode()


def _family(metric: Metric, samples: Iterable[tuple[tuple[str, ...], float]]) -> Iterator[str]:
    yield f"# HELP {metric.full_name} {metric.help}"
    yield f"# TYPE {metric.full_name} {metric.kind}"
    for values, number in samples:
        pairs = ",".join(f'{name}="{value}"' for (name, _), value in zip(metric.labels, values, strict=True))
        yield f"{metric.full_name}{'{' + pairs + '}' if pairs else ''} {_text(number)}"


def _text(number: float) -> str:
    if number == float("inf"):
        return "+Inf"
    return str(int(number)) if number == int(number) else repr(number)
