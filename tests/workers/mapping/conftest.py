"""A line in, its documents out: through the whole pipeline, so that tables speak of JSON on both sides."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tidegate.daemon.wire.frames import Batch, RequestBase, new_batch_id, pack_base
from tidegate.workers.pipeline import Pipeline

METADATA: dict[str, Any] = {"metadata": {"service": {"name": "shop", "agent": {"name": "python", "version": "6"}}}}
RECEIVED_NS = 1_735_689_600_123_456_789
Made = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def made() -> Made:
    """Documents of one line, each with its index name as `_index`; received 2025-01-01T00:00:00.123456789Z."""

    def run(
        line: Any,
        metadata: Any = METADATA,
        base: RequestBase | None = None,
        complete: bool = False,
    ) -> list[dict[str, Any]]:
        batch = Batch(
            bytes(8),
            new_batch_id(1, bytes(10)),
            0,
            0,
            RECEIVED_NS,
            0,
            pack_base(base or RequestBase()),
            json.dumps(metadata).encode(),
            (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n",
        )
        result = Pipeline(complete).process(batch)
        assert result.ended is None, result.ended
        assert result.errors == []
        documents = []
        for bulk in result.lines:
            action, document, rest = bulk.split(b"\n")
            assert rest == b""
            documents.append(
                {"_index": json.loads(action)["create"]["_index"], **json.loads(document, object_pairs_hook=once)}
            )
        return documents

    return run


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object none of whose keys stands twice."""
    found = dict(pairs)
    assert len(found) == len(pairs), [key for key, _ in pairs]
    return found


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


def at(document: Any, path: str) -> Any:
    """What stands at a path of keys joined by `/`, or ABSENT."""
    for key in path.split("/"):
        if not isinstance(document, dict) or key not in document:
            return ABSENT
        document = document[key]
    return document


@pytest.fixture
def agrees() -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """Checks a document against `path: value`, where None means that the path is absent."""

    def check(document: dict[str, Any], expected: dict[str, Any]) -> None:
        found = {path: at(document, path) for path in expected}
        assert found == {path: ABSENT if value is None else value for path, value in expected.items()}

    return check
