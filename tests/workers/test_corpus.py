"""What real agents sent, through the pipeline, against what APM Server 9.5.2 made of it: `../shared/corpus`."""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from tidegate.daemon.wire.frames import Batch, RequestBase, new_batch_id, pack_base
from tidegate.workers.pipeline import Pipeline, Processed

SHARED = Path(os.environ.get("TIDEGATE_SHARED") or Path(__file__).resolve().parents[2].parent / "shared")
FRAME_FLAGS = ("sourcemap", "original", "library_frame", "exclude_from_grouping")
MASKED = ("observer.hostname", "observer.version")

pytestmark = pytest.mark.shared


def intake_requests() -> list[Path]:
    paths = sorted((SHARED / "corpus" / "documents").glob("*/*.json"))
    return [path for path in paths if json.loads(request_of(path).read_text())["body_base64"]]


def request_of(documents: Path) -> Path:
    return SHARED / "corpus" / "requests" / documents.parent.name / documents.name


def test_the_corpus_is_there() -> None:
    if not intake_requests():
        message = f"no corpus at {SHARED}; set TIDEGATE_SHARED to the shared folder"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)


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
    return Pipeline(complete=False).process(Batch(bytes(8), identity, 0, 0, received_ns, 0, base, metadata, lines))


def without_frame_flags(document: Any) -> Any:
    """A document without what only source maps and the frame patterns of RUM write (5.2 and 5.3), which come later."""
    if isinstance(document, dict):
        return {key: without_frame_flags(value) for key, value in document.items() if key not in FRAME_FLAGS}
    return [without_frame_flags(one) for one in document] if isinstance(document, list) else document


@pytest.mark.parametrize("path", intake_requests(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_documents_are_the_originals(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SHARED / "tools"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import compare_documents

    expected = json.loads(path.read_text())
    if path.parent.name == "rum":
        for one in expected["documents"]:
            for section in ("span", "error"):
                if section in one["_source"]:
                    one["_source"][section] = without_frame_flags(one["_source"][section])
    result = processed(json.loads(request_of(path).read_text()), expected)
    documents = []
    for line in result.lines:
        action, document, _ = line.split(b"\n")
        documents.append({"_index": json.loads(action)["create"]["_index"], "_source": json.loads(document)})
        if path.parent.name == "rum":
            for section in documents[-1]["_source"].keys() & {"span", "error"}:
                documents[-1]["_source"][section] = without_frame_flags(documents[-1]["_source"][section])
    wanted = [compare_documents.flat(one, expected, MASKED) for one in expected["documents"]]
    got = [compare_documents.flat(one, expected, MASKED) for one in documents]
    assert compare_documents.compare(wanted, got) == []
    if expected["body"]:
        answer = json.loads(expected["body"])
        assert (result.accepted, result.failed) == (answer["accepted"], len(answer.get("errors", [])))
    else:
        assert result.failed == 0
