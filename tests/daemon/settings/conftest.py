"""The fixture of every test of settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from settings_loading import Loading


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    """Loads settings from texts, in an empty folder."""
    return Loading(tmp_path)
