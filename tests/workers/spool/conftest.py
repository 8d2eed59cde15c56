"""The fixture of the spool's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from spool_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "spool")
    yield made
    for spool in made.opened:
        spool.close()
