"""The settings that flags name."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.cli import run as run_command
from tidegate.cli.given import quoted, settings_of
from tidegate.daemon.settings.command_line import read_value
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.problems import COMMAND_LINE, SettingsError

pytestmark = pytest.mark.usefixtures("alone")
LOCAL = ["-E", "output.local.enabled=true"]


def parsed(*words: str) -> argparse.Namespace:
    return run_command.flags().parse_args([*LOCAL, *words])


def settings(*words: str) -> Settings:
    return settings_of(parsed(*words))


def shown(key: str, *words: str) -> str:
    return next(row.value for row in settings(*words).describe() if row.key == key)


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (["--path.data", "/d"], "path.data", "/d"),
        (["--path.data", "a, b: [c] 'd' \"e\" \\f"], "path.data", "{alone}/a, b: [c] 'd' \"e\" \\f"),
        (["--path.home", "/h"], "path.data", "/h/data"),
        (["--path.data", "/d", "-E", "path.data=/e"], "path.data", "/e"),
        (["-E", "path.data=/e", "--path.data", "/d"], "path.data", "/d"),
        (["-d", "*"], "logging.level", "debug"),
        (["-d", "publish,config"], "logging.level", "debug"),
        (["-v"], "logging.level", "info"),
        (["-v", "-E", "logging.level=error"], "logging.level", "info"),
        (["-v", "-E", "logging.level=debug"], "logging.level", "debug"),
        (["-e", "-E", "logging.level=error"], "logging.level", "error"),
        (["-e"], "logging.to_files", "false"),
        (["-E", "logging.to_files=true", "-e"], "logging.to_files", "false"),
    ],
)
def test_flags_of_the_original(words: list[str], key: str, value: str, alone: Path) -> None:
    assert shown(key, *words) == value.replace("{alone}", str(alone))


def test_selectors_are_told_to_have_no_effect() -> None:
    assert not settings("-d", "*").warnings
    assert any("selectors" in text for text in settings("-d", "publish").warnings)


def test_flags_that_mean_what_happens_anyway_warn_of_nothing() -> None:
    assert settings("-e", "-v", "--environment", "systemd", "--strict.perms=true").warnings == ()


def test_files_of_any_mode(alone: Path) -> None:
    file = alone / "open.yml"
    file.write_text("output.local.enabled: true\n")
    file.chmod(0o666)
    with pytest.raises(SettingsError, match="only be writable by the owner"):
        settings("-c", "open.yml")
    assert settings("-c", "open.yml", "--strict.perms=false").source == file


def test_relative_files_are_looked_for_in_path_config(alone: Path) -> None:
    (alone / "etc").mkdir()
    (alone / "etc" / "given.yml").write_text("output.local.enabled: true\n")
    assert settings("-c", "given.yml", "--path.config", str(alone / "etc")).source == alone / "etc" / "given.yml"


@given(st.text())
def test_quoted_text_stays_as_it_is(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()  # what no file name can hold stays out
    assert read_value(quoted(clean), COMMAND_LINE).value == clean
