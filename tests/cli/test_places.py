"""Which store the commands read, and what they say when there is none."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from tidegate.cli import places
from tidegate.cli.main import main
from tidegate.cli.places import STORE_FILE, find_store
from tidegate.daemon.settings.loader import load_settings
from tidegate.workers.sinks.local_reader import StoreUnreadable

pytestmark = pytest.mark.usefixtures("alone")


def arguments(
    data: str | None = None, config: Path | None = None, overrides: list[tuple[str, str]] | None = None
) -> argparse.Namespace:
    return argparse.Namespace(
        data=None if data is None else Path(data),
        config=config,
        overrides=overrides or [],
        strict_perms=True,
        verbose=False,
    )


def test_found_as_the_daemon_finds_it(alone: Path) -> None:
    assert find_store(arguments()) == alone / "state" / "tidegate" / STORE_FILE
    assert find_store(arguments(overrides=[("path.data", "/srv/x")])) == Path("/srv/x") / STORE_FILE
    settings = load_settings(None, [("path.data", "/srv/x")], {}, alone)
    assert find_store(arguments(data="/srv/x")) == settings.store_file
    local_part = settings.worker_part(0).local
    assert local_part is not None
    assert local_part.file == str(settings.store_file)


def test_settings_that_send_elsewhere(alone: Path) -> None:
    (alone / "tidegate.yml").write_text("output.elasticsearch.hosts: [localhost:9200]\n")
    with pytest.raises(StoreUnreadable, match="sends events to Elasticsearch: look for them in Kibana"):
        find_store(arguments())
    assert find_store(arguments(data="/srv/x")) == Path("/srv/x") / STORE_FILE


@pytest.mark.parametrize("command", [["services"], ["traces"], ["trace", "ab"], ["errors"]])
def test_no_store(command: list[str], capsys: pytest.CaptureFixture[str], alone: Path) -> None:
    assert main([*command, "--data", str(alone / "none")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"data: {alone}/none",
        f"no local store at {alone}/none/{STORE_FILE}: start `tidegate run`, then `tidegate demo`",
    ]


def test_invalid_settings(capsys: pytest.CaptureFixture[str], alone: Path) -> None:
    (alone / "bad.yml").write_text("apm-server: [\n")
    assert main(["traces", "-c", "bad.yml"]) == 78
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"settings: {alone}/bad.yml"
    assert second.startswith(f"error: {alone}/bad.yml:")


@pytest.mark.parametrize(
    "command",
    [["traces", "--since", "soon"], ["traces", "--limit", "0"], ["trace"], ["errors", "--limit", "-1"]],
)
def test_wrong_usage(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2


def test_every_reading_command_can_be_told_where(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("services", "traces", "trace", "errors", "demo"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "--data" in capsys.readouterr().out
    assert places.find_store.__doc__
