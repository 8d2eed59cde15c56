"""The generated page docs/metrics.md: every metric, and what to watch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tidegate.daemon.telemetry.metrics import COMPUTED, TABLE, Join, Kind, Metric, Role

_COMMAND = "python -m tidegate.daemon.telemetry.metric_page docs"

_HEAD = f"""# Metrics

<!-- Generated from the table in daemon/telemetry/metrics.py by `{_COMMAND}`; do not edit. -->

The supervisor serves them in Prometheus' text format at `/metrics` on the admin socket, `path.data/admin.sock`, to Tidegate's
own user and root:

```sh
sudo -u tidegate curl --unix-socket /var/lib/tidegate/admin.sock http://-/metrics
```

Labels have few values, listed below; no metric names a service, an address or a text of a client.

Counters go on over restarts, kills and upgrades: they are numbers in files under `path.data/counters`, which each process
changes in place. A machine that loses power may lose what was counted in the last half minute. Gauges are what is now, a
second old at most.

## The account

At any quiet moment, to the event:

    received + own + recovered + unresolved = stored + dead letters + lost + rejected + dropped + spooled

| in the account | metric |
|---|---|
| received | `tidegate_events_received_total` |
| own | `tidegate_spool_documents_own_total` |
| recovered | `tidegate_spool_documents_recovered_total` |
| unresolved | `tidegate_events_unresolved` |
| stored | `tidegate_documents_total` with `indexed`, `duplicate`, `failure_store` |
| dead letters, lost | `tidegate_documents_total` with `dead_letter`, `lost` |
| rejected, dropped | `tidegate_events_total` without `spooled` |
| spooled | `tidegate_spool_documents` |

An event is received once a worker has decoded the batch that it came in and the acceptor knows the verdict, so once, however
often the batch was tried. Requests that are refused as a whole (401, 404, 503 for want of a worker) are not taken apart: they
are in `tidegate_requests_total`. *Recovered* are documents that a worker finds at its start and that were settled by the counters;
they are sent again and come back as `duplicate`. *Unresolved* are documents on disk whose batch has no verdict: under way now; or
copies, because their worker died after the disk and before the verdict, and the batch was done again (one of the two becomes a
`duplicate`); or of requests whose acceptor died before it could answer. `tidegate status` shows the account, and `under way` is
what counters and spools differ by while events flow.

## Three alerts

```yaml
groups:
  - name: tidegate
    rules:
      - alert: TidegateRefusesEvents
        expr: rate(tidegate_requests_total{{route="intake",outcome="queue_full"}}[5m]) > 0 or tidegate_spool_refusing == 1
        for: 1m
        annotations:
          summary: Agents get 503. `tidegate status` says why; they keep little, so events are lost at their end.
      - alert: TidegateSpoolFills
        expr: tidegate_spool_covers_seconds < 3600 and tidegate_sink_troubled == 1
        for: 5m
        annotations:
          summary: Documents cannot be stored, and the spool is full within the hour. `tidegate status` names the cause.
      - alert: TidegateDeadLettersGrow
        expr: increase(tidegate_documents_total{{outcome="dead_letter"}}[15m]) > 0
        annotations:
          summary: Elasticsearch refuses documents for what is in them. `tidegate dead-letters list` has the reasons.
```
"""

_TITLES = {
    Role.ACCEPTOR: "Counted by acceptors",
    Role.WORKER: "Counted by workers",
    Role.SUPERVISOR: "Counted or worked out by the supervisor",
}
_JOINED = {
    Join.SUM: "",
    Join.MOST: " Over several workers: the highest.",
    Join.LEAST: " Over several workers: the lowest.",
}


def page() -> str:
    """The page."""
    return _HEAD + "".join(f"{line}\n" for line in _tables())


def _tables() -> Iterator[str]:
    for role, title in _TITLES.items():
        yield from ("", f"## {title}", "", "| metric | kind | what |", "|---|---|---|")
        yield from (_row(metric) for metric in (*TABLE, *COMPUTED) if metric.role is role)


def _row(metric: Metric) -> str:
    labels = "".join(f" `{name}`: {_values(values)}." for name, values in metric.labels if values)
    joined = _JOINED[metric.join] if metric.kind is Kind.GAUGE else ""
    return f"| `{metric.full_name}` | {metric.kind} | {metric.help}{joined}{labels} |"


def _values(values: Sequence[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


if __name__ == "__main__":
    (Path(sys.argv[1]) / "metrics.md").write_text(page())
