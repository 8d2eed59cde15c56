"""Requests of real agents make the documents that the original made of them, field by field."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from e2e.daemons import COMMAND

LONGEST_RUN_S = 240
GROUPS = ("python", "nodejs", "java", "go", "rum")


@pytest.mark.shared
@pytest.mark.timeout(LONGEST_RUN_S + 60)
@pytest.mark.parametrize("group", GROUPS)
def test_documents_are_those_of_the_original(shared: Path, tmp_path: Path, group: str) -> None:
    command = [
        sys.executable,
        str(shared / "tools" / "compare_documents.py"),
        *("--command", f"{shlex.quote(str(COMMAND))} run {{settings}}"),
        *("--only", f"{group}/"),
        str(shared / "corpus"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_RUN_S, check=False, cwd=tmp_path)
    assert result.returncode == 0, f"{result.stdout[-15_000:]}\n{result.stderr[-3_000:]}"
