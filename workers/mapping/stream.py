"""What all events of a stream share, ready-made: intake-to-documents.md 1.1 and 4.2, enriched, as JSON bytes to splice."""

from __future__ import annotations

from typing import Any

import orjson
from tidegate.daemon.wire.frames import RequestBase
from tidegate.workers.decode.model import Metadata
from tidegate.workers.enrich.data_stream import RUM_AGENTS, trace_stream
from tidegate.workers.enrich.order import STREAM_ENRICHMENTS
from tidegate.workers.mapping.deep_json import write_deep
from tidegate.workers.mapping.memo import Memo
from tidegate.workers.mapping.metadata import map_metadata
from tidegate.workers.mapping.service import inferred_target

_TAILS_BUDGET = 256 * 1024
"""Bytes of ready-made rests that a stream keeps: about a hundred of the usual size, one for each set of fields that its
events have. A stream with huge metadata keeps none, and pays for it itself."""

_TARGETS_BUDGET = 128 * 1024
"""Bytes of ready-made services with a target: some three hundred, more than one service calls."""


def base_event(base: RequestBase) -> dict[str, Any]:
    """The document part that stems from the request: section 1.1."""
    document: dict[str, Any] = {}
    if base.host_ip:
        document["host"] = {"ip": [base.host_ip]}
    if base.client_ip:
        document["client"] = {"ip": base.client_ip}
    if base.source_ip:
        source: dict[str, Any] = {"ip": base.source_ip}
        if base.source_port:
            source["port"] = base.source_port
        if base.source_nat_ip:
            source["nat"] = {"ip": base.source_nat_ip}
        document["source"] = source
    if base.user_agent:
        document["user_agent"] = {"original": base.user_agent}
    return document


class Stream:
    """Made once for each pair of request base and metadata line; its dicts are shared and never changed.

    An event's own part of the document replaces the stream's field by field at the top level, nowhere deeper: mapping
    starts from the stream's dict where both have something to say (`labels`, `service`, …).
    """

    __slots__ = (
        "_tails",
        "_tails_bytes",
        "agent",
        "base",
        "client",
        "constants",
        "labels",
        "numeric_labels",
        "rum_agent",
        "service",
        "service_to",
        "source",
        "traces",
    )

    def __init__(self, base: RequestBase, metadata: Metadata) -> None:
        constants = base_event(base)
        host = constants.get("host", {})
        constants.update(map_metadata(metadata))
        if host:
            constants["host"] = {**constants.get("host", {}), **host}
        for enrich in STREAM_ENRICHMENTS:
            enrich(constants, base)
        self.base = base
        self.constants = constants
        self.agent: dict[str, Any] = constants["agent"]
        self.service: dict[str, Any] = constants["service"]
        self.labels: dict[str, Any] = constants.get("labels", {})
        self.numeric_labels: dict[str, Any] = constants.get("numeric_labels", {})
        self.client: dict[str, Any] | None = constants.get("client")
        self.source: dict[str, Any] | None = constants.get("source")
        self.rum_agent = self.agent.get("name") in RUM_AGENTS
        self.traces = trace_stream(self.rum_agent, base.namespace)
        service_size = len(orjson.dumps(self.service))
        self.service_to: Memo[str, orjson.Fragment] = Memo(
            self._service_to, _TARGETS_BUDGET, lambda resource: 2 * len(resource) + service_size
        )
        """Destination resource → the service with the target inferred from it, ready to be written."""
        self._tails: dict[tuple[str, ...], bytes] = {}
        self._tails_bytes = 0

    def _service_to(self, resource: str) -> orjson.Fragment:
        return orjson.Fragment(orjson.dumps({**self.service, "target": inferred_target[resource]}))

    def join(self, head: bytes, own: dict[str, Any]) -> bytes:
        """`head`, then `{**constants, **own}` as one line of JSON. `own` is not empty."""
        try:
            body = orjson.dumps(own)
        except TypeError:  # nested more deeply than orjson writes
            body = write_deep(own)
        fields = tuple(own)
        tail = self._tails.get(fields)
        return b"".join((head, body[:-1], self._tail(fields) if tail is None else tail))

    def _tail(self, fields: tuple[str, ...]) -> bytes:
        rest = orjson.dumps({name: value for name, value in self.constants.items() if name not in fields})
        tail = b"}\n" if rest == b"{}" else b"," + rest[1:] + b"\n"
        weight = len(tail) + sum(map(len, fields))
        if weight <= _TAILS_BUDGET // 8:
            if self._tails_bytes + weight > _TAILS_BUDGET:
                self._tails.clear()
                self._tails_bytes = 0
            self._tails[fields] = tail
            self._tails_bytes += weight
        return tail
