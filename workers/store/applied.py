"""Documents that say which configurations agents have taken; Kibana shows "applied" by them (http-surface.md 6.3). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from tidegate.daemon.settings.parts import OwnDocumentsPart
from tidegate.daemon.wire.frames import RequestBase, id_stem
from tidegate.workers.enrich.complete import complete_samples
from tidegate.workers.enrich.data_stream import internal_metrics_of
from tidegate.workers.enrich.observer import add_observer
from tidegate.workers.mapping.moment import moment


def applied_lines(
    etags: Sequence[str], own: OwnDocumentsPart, batch_id: bytes, now_ns: int, *, complete: bool
) -> list[bytes]:
    """Bulk lines, one for each etag, as `Processed.lines`. `now_ns`: since the epoch; `complete`: as of the pipeline."""
    base = RequestBase(observer_hostname=own.hostname, observer_version=own.version)
    data_stream = internal_metrics_of(own.namespace)
    stem = id_stem(batch_id)
    lines = []
    for place, etag in enumerate(etags):
        document: dict[str, Any] = {
            "@timestamp": moment(None, now_ns)[0],
            "labels": {"etag": etag},
            "metricset": {"name": "agent_config", "samples": [{"name": "agent_config_applied", "value": 1}]},
        }
        add_observer(document, base)
        document["data_stream"] = data_stream.field
        if complete:
            complete_samples(document, ())
        action = f'{data_stream.action}{stem}{place}"}}}}\n'
        lines.append(action.encode() + orjson.dumps(document) + b"\n")
    return lines
