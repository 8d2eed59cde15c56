"""The stand-in for Elasticsearch as a fixture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stand_in import running, stand_in_module


@pytest.fixture(scope="session")
def stand_in(shared: Path) -> Any:
    """The module of the stand-in."""
    return stand_in_module(shared)


@pytest.fixture
def es(stand_in: Any) -> Iterator[Any]:
    with running(stand_in) as es:
        yield es
