"""The shared HTTP cases, each checked on the original: all of level `must` and `should` pass, areas as far as they are built."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from e2e.daemons import COMMAND

LATER_CASES = {
    "life-stop-aggregates": "aggregated metrics are not built yet",
    "auth-otlp": "OTLP is not built yet",
    "rate-zero-otlp": "OTLP is not built yet",
}
DEVIATIONS: dict[str, str] = {}
"""Cases that fail on purpose, and why; docs/compatibility.md tells users the same, by the same id."""

NOT_BUILT = {"otlp"}
"""Areas of what is not built yet; docs/compatibility.md says so."""

BATCHES = {
    "requests": ("intake", "encoding", "framing", "size", "root", "routing", "rum", "cors", "sourcemaps"),
    "senders": ("auth", "apikey", "anonymous", "ratelimit", "agentconfig"),
    "time": ("limits", "lifecycle", "es", "settings"),
}
"""What is run together: a failure shows early, and no run takes many minutes."""
LONGEST_RUN_S = 480


def chosen(shared: Path, areas: tuple[str, ...]) -> list[str]:
    """The ids of the cases to run."""
    ids = []
    for path in sorted((shared / "cases").glob("*.json")):
        content = json.loads(path.read_text())
        for case in content["cases"] if isinstance(content, dict) else content:
            if case["area"] in areas and case["level"] in ("must", "should") and case["id"] not in LATER_CASES:
                ids.append(case["id"])
    return [one for one in ids if one not in DEVIATIONS]


@pytest.mark.shared
@pytest.mark.timeout(LONGEST_RUN_S + 60)
@pytest.mark.parametrize("batch", BATCHES)
def test_shared_cases(shared: Path, tmp_path: Path, batch: str) -> None:
    report = tmp_path / "report.json"
    ids = chosen(shared, BATCHES[batch])
    assert ids
    command = [
        sys.executable,
        str(shared / "tools" / "http_cases.py"),
        *("--command", f"{shlex.quote(str(COMMAND))} run {{settings}}"),
        *("--jobs", "2", "--level", "must,should", "--report", str(report)),
        *(word for one in ids for word in ("--id", one)),
        *(str(path) for path in sorted((shared / "cases").glob("*.json"))),
    ]
    with tempfile.TemporaryDirectory(prefix="tg-") as short:  # the path of a socket may have 107 bytes
        environment = {**os.environ, "TMPDIR": short}
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_RUN_S, check=False, env=environment, cwd=tmp_path
        )
    print(result.stdout[-500:], result.stderr[-5_000:])
    assert report.exists(), result.stderr[-5_000:]
    wrong = failures(json.loads(report.read_text()))
    assert not wrong, "\n".join(wrong)
    assert result.returncode == 0


def failures(report: Any) -> list[str]:
    """The failed cases of a report, each with what was wrong."""
    lines = []
    for one in report["results"]:
        if one["outcome"] == "failed":
            lines += [f"FAILED {one['id']}", *(f"    {problem}" for problem in one["problems"])]
    return lines


@pytest.mark.shared
def test_every_area_is_run_somewhere(shared: Path) -> None:
    known = {path.stem for path in (shared / "cases").glob("*.json")}
    assert {area for areas in BATCHES.values() for area in areas} == known - NOT_BUILT


def test_deviations_are_documented(checkout: Path) -> None:
    text = (checkout / "docs" / "compatibility.md").read_text()
    assert [one for one in DEVIATIONS if one not in text] == []
