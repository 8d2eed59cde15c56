"""Reads the dead letters of an instance that has ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
from tidegate.cli.prove.events import Events


def read_letters(data: Path, events: Events) -> Iterator[tuple[int, str]]:
    """Number and reason of each dead letter below `path.data` that came from one of the events."""
    for file in sorted((data / "dead-letters").glob("*/*.ndjson")):
        with file.open("rb") as lines:
            for line in lines:
                letter = orjson.loads(line)
                seen = events.seen(letter["document"])
                if seen is not None:
                    yield seen.number, f"{letter['type']} ({letter['status']})"
