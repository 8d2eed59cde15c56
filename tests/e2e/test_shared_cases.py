"""The shared HTTP cases, each checked on the original: all of level `must` and `should` pass, areas as far as they are built."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from e2e.daemons import COMMAND

WHOLE_AREAS = ("intake", "encoding", "framing", "size", "limits", "lifecycle", "es", "rum", "agentconfig")
IN_PART = ("root", "routing", "settings", "cors")
"""Areas of which those cases count whose settings are built already."""
LATER_KEYS = re.compile(r"apm-server\.(auth|rum\.source_mapping|ssl|expvar)\b")
LATER_CASES = {
    "life-stop-aggregates": "aggregated metrics are not built yet",
}
DEVIATIONS: dict[str, str] = {}
"""Cases that fail on purpose, and why; docs/compatibility.md tells users the same, by the same id."""

BATCHES = {
    "requests": ("intake", "encoding", "framing", "size", "root", "routing", "rum", "cors", "agentconfig"),
    "time": ("limits", "lifecycle", "es", "settings"),
}
"""What is run together: two runs, so that a failure shows early and neither takes many minutes."""
LONGEST_RUN_S = 480


def later(case: dict[str, Any]) -> bool:
    """Whether a case belongs to what is not built yet."""
    if case["id"] in LATER_CASES:
        return True
    return case["area"] in IN_PART and any(LATER_KEYS.match(key) for key in case.get("config", {}))


def chosen(shared: Path, areas: tuple[str, ...]) -> list[str]:
    """The ids of the cases to run."""
    ids = []
    for path in sorted((shared / "cases").glob("*.json")):
        content = json.loads(path.read_text())
        for case in content["cases"] if isinstance(content, dict) else content:
            if case["area"] in areas and case["level"] in ("must", "should") and not later(case):
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
    assert sorted(area for areas in BATCHES.values() for area in areas) == sorted((*WHOLE_AREAS, *IN_PART))


def test_deviations_are_documented(checkout: Path) -> None:
    text = (checkout / "docs" / "compatibility.md").read_text()
    assert [one for one in DEVIATIONS if one not in text] == []
