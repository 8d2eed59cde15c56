"""The README's commands are those that work: what it says about installing and testing is what CI runs."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest
from tidegate.cli.main import build_parser

INSTALL = "python3 -m venv .venv && .venv/bin/pip install ."
INSTALL_FOR_TESTS = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]'"
TEST = ".venv/bin/python -m pytest"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SUBCOMMAND = re.compile(r"\btidegate ([a-z]+)\b(?! APM)")


@pytest.fixture(scope="module")
def commands(checkout: Path) -> str:
    """All fenced blocks of the README, line continuations joined."""
    fenced = FENCED.findall((checkout / "README.md").read_text())
    blocks = [text for language, text in fenced if language in ("sh", "bash", "console")]
    assert blocks, "the README shows commands in fenced blocks"
    return re.sub(r"\s*\\\n\s*", " ", "\n".join(blocks))


def test_the_first_minute_is_there(commands: str) -> None:
    for command in (INSTALL, ".venv/bin/tidegate run", "tidegate demo", "tidegate traces", "tidegate trace"):
        assert command in commands


def test_the_test_command_is_there(commands: str) -> None:
    assert INSTALL_FOR_TESTS in commands
    assert TEST in commands


def test_ci_runs_the_same_commands(checkout: Path) -> None:
    script = (checkout / ".ci" / "run").read_text()
    assert "pip install -e '.[test]'" in script
    assert "python -m pytest" in script
    assert "bin/pip install ." in script


def test_every_subcommand_in_the_readme_exists(checkout: Path, commands: str) -> None:
    known = build_parser().format_help()
    in_text = re.findall(r"`(tidegate [^`]+)`", (checkout / "README.md").read_text())
    used = set(SUBCOMMAND.findall("\n".join([commands, *in_text])))
    assert used
    assert not [name for name in used if not re.search(rf"^\s+{name}\b", known, re.MULTILINE)]


def test_links_to_files_lead_somewhere(checkout: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#]+)", (checkout / "README.md").read_text())
    assert [link for link in links if not (checkout / link).exists()] == []


def test_the_extra_named_test_exists(checkout: Path) -> None:
    parser = configparser.ConfigParser()
    parser.read(checkout / "setup.cfg")
    assert "pytest" in parser["options.extras_require"]["test"]
