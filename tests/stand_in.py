"""The stand-in for Elasticsearch of `../shared`, and blocks for it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.settings.parts import ElasticsearchPart, TlsPart
from tidegate.workers.spool.block import Block, make_block

PLAIN = TlsPart("full", [], "", "", "", [])
PART = ElasticsearchPart(
    hosts=[],
    username="",
    password="",
    api_key="",
    headers={},
    connect_timeout=5.0,
    response_timeout=5.0,
    backoff_init=0.01,
    backoff_max=0.05,
    compression_level=1,
    flush_bytes=1 << 20,
    flush_interval=0.02,
    flush_documents=1000,
    max_requests=3,
    wait_ready_interval=0.05,
    tls=PLAIN,
)
INDEXED, DUPLICATE, DEAD = EventOutcome.INDEXED, EventOutcome.DUPLICATE, EventOutcome.DEAD_LETTER


def stand_in_module(shared: Path) -> Any:
    """The module, loaded once from where it lies."""
    name = "fake_elasticsearch"
    if name not in sys.modules:
        specification = importlib.util.spec_from_file_location(name, shared / "tools" / f"{name}.py")
        assert specification and specification.loader
        module = importlib.util.module_from_spec(specification)
        sys.modules[name] = module
        specification.loader.exec_module(module)
    return sys.modules[name]


def lines_of(names: str, index: str = "traces-apm-default") -> list[bytes]:
    return [
        line
        for name in names
        for line in (
            b'{"create":{"_index":"%b","_id":"%b"}}\n' % (index.encode(), name.encode()),
            b'{"@timestamp":"2026-01-01T00:00:00Z","name":"%b"}\n' % name.encode(),
        )
    ]


def block(names: str, level: int = 1, index: str = "traces-apm-default") -> Block:
    return make_block(lines_of(names, index), len(names), level)


def ids(es: Any) -> str:
    return "".join(sorted(document["_id"] for document in es.documents()))


def bulk_requests(es: Any) -> list[dict[str, Any]]:
    return [request for request in es.requests() if request["path"] == "/_bulk"]


@contextmanager
def running(module: Any, **options: Any) -> Iterator[Any]:
    """The stand-in at work. Its connections are cut before its loop ends, which would leave them unclosed."""
    with module.FakeElasticsearch(**options) as es:
        try:
            yield es
        finally:
            es._on_loop(es._server._cut_connections)
            es._on_loop(lambda: None)  # by now the loop has closed what was cut
