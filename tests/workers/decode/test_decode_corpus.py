"""Real agents stay on the accept path, and the exact path reads their lines to the same events."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest
from decode_lines import corpus_lines, plain
from tidegate.workers.decode.accept import accept_event, accept_metadata
from tidegate.workers.decode.exact import exact_event, exact_metadata
from tidegate.workers.decode.lines import Refused

pytestmark = pytest.mark.shared

SLOW: dict[str, tuple[int, str]] = {
    "java": (1, "its OTel bridge writes broken JSON for array attributes"),
    "python": (2, "its OTel bridge puts a list into tags; and context of the application's own making"),
}
"""Lines that leave the accept path, by agent, and why. RUM v3 lines (`x`, `e`, `m`) have no accept path."""


def _is_v3(line: bytes) -> bool:
    return line.startswith((b'{"x":', b'{"e":', b'{"m":'))


def _is_metadata(line: bytes) -> bool:
    return line.startswith(b'{"metadata"')


def test_real_lines(shared: Path) -> None:
    slow: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for agent, lines in corpus_lines(shared).items():
        for line in lines:
            total[agent] += 1
            if _is_v3(line):
                continue
            accepted = accept_metadata(line) if _is_metadata(line) else accept_event(line)
            if accepted is None:
                slow[agent] += 1
                continue
            exactly = exact_metadata(line) if _is_metadata(line) else exact_event(line)
            assert plain(accepted) == plain(exactly), line
    print({agent: f"{slow[agent]} of {count} lines leave the accept path" for agent, count in total.items()})
    assert slow == Counter({agent: count for agent, (count, _) in SLOW.items()})


def test_v3_lines(shared: Path) -> None:
    lines = [line for line in corpus_lines(shared)["rum"] if _is_v3(line)]
    assert lines
    for line in lines:
        try:
            exact_metadata(line) if line.startswith(b'{"m":') else exact_event(line)
        except Refused as refusal:
            pytest.fail(f"{refusal.message}: {line!r}")


def test_mix_lines(shared: Path) -> None:
    for path in sorted((shared / "mix").glob("*.gz"))[:5]:
        metadata, *events = filter(None, gzip.decompress(path.read_bytes()).split(b"\n"))
        assert accept_metadata(metadata) == exact_metadata(metadata)
        for line in events:
            accepted = accept_event(line)
            assert accepted is not None and plain(accepted) == plain(exact_event(line))
