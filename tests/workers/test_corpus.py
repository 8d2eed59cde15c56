"""What real agents sent, through the pipeline, against what APM Server 9.5.2 made of it: `../shared/corpus`."""

from __future__ import annotations

import base64
import gzip
import importlib
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from e2e.presence import absent, shared_folder
from tidegate.daemon.wire.frames import Batch, RequestBase, new_batch_id, pack_base
from tidegate.workers.enrich.order import frame_enrichments
from tidegate.workers.pipeline import Pipeline, Processed
from tidegate.workers.source_maps.frames import NoMap, SourceMapping
from tidegate.workers.source_maps.texts import listing_text
from tidegate.workers.store.source_maps import NoPlaceYet

SHARED = shared_folder()
NO_INDEX = (
    '{"error":{"root_cause":[{"type":"index_not_found_exception","reason":"no such index [.apm-source-map]",'
    '"index":".apm-source-map"}],"type":"index_not_found_exception","reason":"no such index [.apm-source-map]",'
    '"index":".apm-source-map"},"status":404}'
)
NOTHING_KEPT = NoMap(listing_text(NoPlaceYet("", 404, "Stand-In", NO_INDEX)))
"""For all frames: the stand-in for Elasticsearch had no index for source maps."""
MASKED = ("observer.hostname", "observer.version")
FRAMES = frame_enrichments("node_modules|bower_components|~", "^/webpack")
"""As with the default settings."""

pytestmark = pytest.mark.shared


def corpus(kind: str) -> Path:
    if SHARED is None:
        absent("the folder ../shared (or TIDEGATE_SHARED)")
    return SHARED / "corpus" / kind


def intake_requests() -> list[str]:
    """Their names, without preflights, which have no body."""
    if SHARED is None:
        return ["absent"]
    folder = corpus("documents")
    names = [f"{path.parent.name}/{path.name}" for path in sorted(folder.glob("*/*.json"))]
    return [name for name in names if json.loads((corpus("requests") / name).read_text())["body_base64"]]


def inflated(body: bytes) -> bytes:
    if body[:2] == b"\x1f\x8b":
        return gzip.decompress(body)
    return zlib.decompress(body) if body[:1] == b"\x78" else body


def request_base(request: dict[str, Any], client_port: int) -> RequestBase:
    """As the acceptor makes it for a client at 127.0.0.1."""
    if "/rum/" not in request["target"]:
        return RequestBase(observer_hostname="h", observer_version="9.5.2", host_ip="127.0.0.1")
    agents = [value for name, value in request["headers"] if name.lower() == "user-agent"]
    return RequestBase(
        rum=True,
        observer_hostname="h",
        observer_version="9.5.2",
        client_ip="127.0.0.1",
        source_ip="127.0.0.1",
        source_port=client_port,
        user_agent=", ".join(agents),
    )


def processed(request: dict[str, Any], expected: dict[str, Any]) -> Processed:
    metadata, _, lines = inflated(base64.b64decode(request["body_base64"])).partition(b"\n")
    received_ns = int(expected["received_at"] * 1e9)
    base = pack_base(request_base(request, expected["client_port"]))
    identity = new_batch_id(received_ns // 1_000_000, bytes(10))
    pipeline = Pipeline(complete=False, frames=FRAMES, source_mapping=SourceMapping(lambda *_: NOTHING_KEPT))
    return pipeline.process(Batch(bytes(8), identity, 0, 0, received_ns, 0, base, metadata, lines))


@pytest.mark.parametrize("name", intake_requests())
def test_documents_are_the_originals(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = json.loads((corpus("documents") / name).read_text())
    result = processed(json.loads((corpus("requests") / name).read_text()), expected)
    documents = []
    for line in result.lines:
        action, document, _ = line.split(b"\n")
        documents.append({"_index": json.loads(action)["create"]["_index"], "_source": json.loads(document)})

    monkeypatch.syspath_prepend(str(corpus("requests").parent.parent / "tools"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    compare_documents = importlib.import_module("compare_documents")

    def flat(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [compare_documents.flat(one, expected, MASKED) for one in found]

    assert compare_documents.compare(flat(expected["documents"]), flat(documents)) == []
    if expected["body"]:
        answer = json.loads(expected["body"])
        assert (result.accepted, result.failed) == (answer["accepted"], len(answer.get("errors", [])))
    else:
        assert result.failed == 0
