"""The generated pages hold every key, and the committed ones are those that the declarations make."""

from __future__ import annotations

from pathlib import Path

import pytest
from tidegate.daemon.settings import reference, table

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("name", "page"), [("settings.md", reference.settings_page), ("migrating.md", reference.migrating_page)]
)
def test_the_committed_page_is_the_generated_one(name: str, page: object) -> None:
    assert callable(page)
    made = "python -m tidegate.daemon.settings.reference docs"
    assert (DOCS / name).read_text(encoding="utf-8") == page(), f"make it anew: {made}"


def test_every_key_stands_in_a_page() -> None:
    settings, migrating = reference.settings_page(), reference.migrating_page()
    for key in table.SETTINGS:
        assert f"`{key}`" in (settings if key.startswith(("tidegate.", "output.local.")) else migrating), key
    for prefix in table.GROUPS:
        assert f"`{prefix}`" in migrating or f"`{prefix}.*`" in migrating, prefix


def test_tables_are_whole() -> None:
    for page in (reference.settings_page(), reference.migrating_page()):
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        assert rows
        assert all(line.endswith(" |") for line in rows)
