"""`logging.*`: where logs go, and what of log files can be set."""

from __future__ import annotations

from dataclasses import replace

import pytest
from settings_loading import MACHINE, Loading
from tidegate.daemon.settings.parts import LogFilesPart

DEFAULTS = LogFilesPart("/home/tide/.local/state/tidegate/logs", "tidegate", 10_485_760, 7, 0o600, 0.0, True)


@pytest.mark.parametrize(
    ("overrides", "to_files"),
    [
        ((), False),
        (("logging.to_files=true",), True),
        (("logging.to_files=false",), False),
        (("logging.to_stderr=false",), False),
        (("logging.to_files=true", "logging.to_stderr=false"), True),
        (("logging.to_files=true", "logging.to_stderr=true"), False),
    ],
)
def test_where_logs_go(loading: Loading, overrides: tuple[str, ...], to_files: bool) -> None:
    part = loading(None, *overrides, machine=replace(MACHINE, terminal=True)).logging_part()
    assert part.files == (DEFAULTS if to_files else None)
    assert part.format == ("json" if to_files else "human"), "nobody sits before a file"


@pytest.mark.parametrize(
    ("overrides", "folder"),
    [
        (("path.home=/h",), "/h/logs"),
        (("path.home=/h", "path.logs=/l"), "/l"),
        (("path.logs=/l", "logging.files.path=/f"), "/f"),
        (("path.data=/d",), "/d/logs"),
    ],
)
def test_their_folder(loading: Loading, overrides: tuple[str, ...], folder: str) -> None:
    files = loading(None, "logging.to_files=true", *overrides).logging_part().files
    assert files is not None
    assert files.folder == folder


def test_everything_given(loading: Loading) -> None:
    text = (
        "output.local.enabled: true\nlogging: {to_files: true, files: {path: /f, name: apm-server, keepfiles: 2, "
        "rotateeverybytes: 1000, permissions: 0640, interval: 24h, rotateonstartup: false}}\n"
    )
    settings = loading(text)
    assert settings.logging_part().files == LogFilesPart("/f", "apm-server", 1000, 2, 0o640, 86400.0, False)
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("given", "mode"), [("0600", 0o600), ("0640", 0o640), ("0o644", 0o644), ('"0660"', 0o660), ("416", 0o640)]
)
def test_modes(loading: Loading, given: str, mode: int) -> None:
    for settings in (
        loading(f"output.local.enabled: true\nlogging: {{to_files: true, files.permissions: {given}}}\n"),
        loading(None, "logging.to_files=true", f"logging.files.permissions={given}"),
    ):
        files = settings.logging_part().files
        assert files is not None
        assert files.mode == mode


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("logging.files.permissions=0400", "lets their owner read and write"),
        ("logging.files.permissions=640", "such as 0600"),
        ("logging.files.permissions=rw", "such as 0600"),
        ("logging.files.name=../x", "without a slash"),
        ("logging.files.keepfiles=1025", "at most 1024"),
    ],
)
def test_what_cannot_be(loading: Loading, override: str, words: str) -> None:
    [problem] = loading.refused(None, override)
    assert override.partition("=")[0] in problem
    assert words in problem
