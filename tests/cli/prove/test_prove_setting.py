"""The instance of prove is set up as the user says, but on its own port and folder, with its own store."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from tidegate.cli.main import build_parser
from tidegate.cli.prove.events import Events
from tidegate.cli.prove.letters import read_letters
from tidegate.cli.prove.setting import filesystem_of, headers_of, namespace_of, settings_with, words_of_instance

EVENTS = Events("00c0ffee")


def last_values(words: list[str]) -> dict[str, str]:
    """The last one wins, as on the command line."""
    return dict(word.split("=", 1) for flag, word in pairwise(words) if flag == "-E")


def test_the_users_settings_hold_where_they_may(tmp_path: Path) -> None:
    given = ["prove", "-E", "apm-server.host=0.0.0.0:8200", "-E", "tidegate.spool.segment_bytes=4MiB", "--workers=3"]
    words = words_of_instance(build_parser().parse_args(given), tmp_path, 12345, "http://127.0.0.1:1", "prove1")
    values = last_values(words)
    assert values["apm-server.host"] == "127.0.0.1:12345"
    assert values["tidegate.spool.segment_bytes"] == "4MiB"
    assert values["tidegate.workers"] == "3"
    assert values["path.data"] == f'"{tmp_path / "data"}"'
    assert values["output.elasticsearch.hosts"] == "http://127.0.0.1:1"
    assert (words[0], Path(words[1]).parent) == ("-c", tmp_path), "no settings file is looked for elsewhere"
    assert json.loads(Path(words[1]).read_text()) == {}


def test_credentials_of_a_real_store_come_from_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["prove", "-E", "output.elasticsearch.username=me", "-E", "output.elasticsearch.hosts=elsewhere:9200"]
    part = settings_with(build_parser().parse_args(given), "http://127.0.0.1:9200").worker_part(0).elasticsearch
    assert part is not None
    assert (part.hosts, part.username) == (["http://127.0.0.1:9200"], "me")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {}),
        ({"ELASTIC_APM_SECRET_TOKEN": "t"}, {"Authorization": "Bearer t"}),
        ({"ELASTIC_APM_SECRET_TOKEN": "t", "ELASTIC_APM_API_KEY": "k"}, {"Authorization": "ApiKey k"}),
    ],
)
def test_credentials_for_the_instance_are_those_of_agents(environ: dict[str, str], expected: dict[str, str]) -> None:
    assert headers_of(environ) == expected


def test_names() -> None:
    assert namespace_of(EVENTS) == "prove00c0ffee"
    assert filesystem_of(Path("/proc/self")) == "proc"


def test_dead_letters_of_our_events_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "dead-letters" / "0"
    folder.mkdir(parents=True)
    letters = [
        {"type": "x", "status": 400, "document": {"transaction": {"id": EVENTS.identity(5)}}},
        {"type": "x", "status": 400, "document": {"transaction": {"id": "another"}}},
    ]
    (folder / "1.ndjson").write_text("".join(json.dumps(letter) + "\n" for letter in letters))
    assert list(read_letters(tmp_path, EVENTS)) == [(5, "x (400)")]
