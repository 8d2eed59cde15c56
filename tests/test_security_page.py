"""docs/security.md: every check of the list has a row, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKS = 44


@pytest.fixture(scope="module")
def page(checkout: Path) -> str:
    return (checkout / "docs" / "security.md").read_text()


def test_every_check_has_a_row(page: str) -> None:
    found: set[int] = set()
    for cell in re.findall(r"^\| (\d[\d–, ]*) \|", page, re.MULTILINE):
        for part in cell.split(", "):
            first, _, last = part.partition("–")
            found |= set(range(int(first), int(last or first) + 1))
    assert found == set(range(1, CHECKS + 1))


def test_named_tests_are_there(page: str, checkout: Path) -> None:
    sources = {path: path.read_text() for path in (checkout / "tests").rglob("test_*.py")}
    defined = set(re.findall(r"^(?:async )?def (test_\w+)", "\n".join(sources.values()), re.MULTILINE))
    files = {path.name for path in sources}
    named = re.findall(r"`(test_\w+)(\.py)?`", page)
    assert [name for name, end in named if (f"{name}.py" not in files if end else name not in defined)] == []
    paths = re.findall(r"`(tests/[\w/.]+)`", page)
    assert len(paths) > 20
    assert [path for path in paths if not (checkout / path).exists()] == []
