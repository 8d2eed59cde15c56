"""Which file and which folders are used, and whether the file is safe to read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest
from settings_loading import MACHINE, Loading
from tidegate.daemon.settings import tidegate_section
from tidegate.daemon.settings.loader import load_settings
from tidegate.daemon.settings.places import read_file
from tidegate.daemon.settings.problems import SettingsError

ES = "output.elasticsearch.hosts: [es]\n"


def test_the_file_is_found(loading: Loading, tmp_path: Path) -> None:
    assert loading().source is None
    named = tmp_path / "tidegate.yml"
    named.write_text("output.local.enabled: true\ntidegate.queue_timeout: 1s\n", encoding="utf-8")
    named.chmod(0o600)
    settings = loading()
    assert (settings.source, settings[tidegate_section.QUEUE_TIMEOUT]) == (named, 1.0)
    assert loading(ES).source == tmp_path / "given.yml"
    folder = tmp_path / "etc"
    folder.mkdir()
    named.rename(folder / "own.yml")
    found = load_settings(Path("own.yml"), [("path.config", str(folder))], {"HOME": "/h"}, tmp_path, machine=MACHINE)
    assert found.source == folder / "own.yml"


@pytest.mark.parametrize(
    ("environ", "overrides", "data"),
    [
        ({}, (), "/home/tide/.local/state/tidegate"),
        ({"XDG_STATE_HOME": "/state"}, (), "/state/tidegate"),
        ({"XDG_STATE_HOME": "relative"}, (), "/home/tide/.local/state/tidegate"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "XDG_STATE_HOME": "/state"}, (), "/var/lib/a"),
        ({"STATE_DIRECTORY": "/var/lib/a"}, ("path.home=/opt",), "/opt/data"),
        ({"STATE_DIRECTORY": "/var/lib/a"}, ("path.data=/data", "path.home=/opt"), "/data"),
    ],
)
def test_the_data_folder(loading: Loading, environ: dict[str, str], overrides: tuple[str, ...], data: str) -> None:
    assert str(loading(None, *overrides, environ=environ).path_data) == data


def test_without_a_home_the_data_folder_must_be_named(loading: Loading) -> None:
    [problem] = loading.refused(None, environ={"HOME": ""})
    assert problem.startswith("path.data: ")
    assert loading(None, "path.data=here", environ={"HOME": ""}).path_data == loading.folder / "here"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(loading: Loading, mode: int) -> None:
    file = loading.folder / "open.yml"
    file.write_text(ES, encoding="utf-8")
    file.chmod(mode)

    def load(environ: dict[str, str], *, strict: bool = True) -> None:
        load_settings(file, [], {"HOME": "/h", **environ}, loading.folder, machine=MACHINE, strict=strict)

    with pytest.raises(
        SettingsError, match=rf"can only be writable by the owner but the permissions are.*chmod go-w {file}"
    ):
        load({})
    load({}, strict=False)
    load({"BEAT_STRICT_PERMS": "false"})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\n", "is not UTF-8 text"),
        (b"#" * (1 << 20) + b"#", "larger than 1 MiB"),
        (None, "cannot be read: No such file"),
    ],
)
def test_files_that_cannot_be_read(loading: Loading, content: bytes | None, words: str) -> None:
    file = loading.folder / "broken.yml"
    if content is not None:
        file.write_bytes(content)
        file.chmod(0o600)
    with pytest.raises(SettingsError, match=words) as caught:
        load_settings(file, [], {"HOME": "/h"}, loading.folder, machine=MACHINE)
    assert len(caught.value.problems) == 1


class _Locked:
    """Stands for a file of another user; root, who runs tests in containers, may read everything."""

    def open(self, mode: str) -> None:
        raise PermissionError(13, f"may not be opened {mode}")


def test_a_file_that_may_not_be_read_names_the_user_to_become() -> None:
    text, problems = read_file(cast(Path, _Locked()), 1000, strict=True)
    assert text is None
    assert "sudo -u tidegate tidegate" in problems[0].text


def test_a_file_of_another_user_is_refused(loading: Loading) -> None:
    file = loading.folder / "other.yml"
    file.write_text(ES, encoding="utf-8")
    file.chmod(0o600)
    os.chown(file, 12345, -1) if os.geteuid() == 0 else None
    me = MACHINE.user_id if os.geteuid() == 0 else MACHINE.user_id + 1
    _, problems = read_file(file, me, strict=True)
    assert [problem.text.partition(" (to fix")[0] for problem in problems] == [
        f'config file ("{file}") must be owned by the user identifier (uid={me}) or root'
    ]
