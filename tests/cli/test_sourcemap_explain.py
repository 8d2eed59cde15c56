"""`tidegate sourcemap explain`, with the folder beside the local store: one frame, and those that a worker has noted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tidegate.cli.main import main
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.workers.source_maps.unmapped import MOST_NOTED, Unmapped
from tidegate.workers.store.local_maps import LocalMaps
from tidegate.workers.store.map_content import pack
from tidegate.workers.store.source_maps import MapKey

pytestmark = pytest.mark.usefixtures("alone")

MAP = {"version": 3, "sources": ["src/a.ts"], "sourcesContent": ["  boom()"], "names": [], "mappings": "AAAA"}
SHOP = ("--service-name", "shop", "--service-version", "1.0")
ON = ("-E", "apm-server.rum.enabled=true")


@pytest.fixture
def kept(alone: Path) -> LocalMaps:
    store = LocalMaps(alone / "data" / "source-maps")
    for path, content in (("/app.js", json.dumps(MAP).encode()), ("/bad.js", b"{}")):
        store.put(MapKey("shop", "1.0", path), pack(content), "2026-01-01T00:00:00Z")
    return store


def explain(*words: str) -> int:
    return main(["sourcemap", "explain", *words, "-E", "path.data=data"])


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        ((*SHOP, "--path", "http://h/x/../app.js?v=1"), EXIT_OK, ["    /app.js", "stored: /app.js", "can be read"]),
        (
            (*SHOP, "--path", "/app.js", "--line", "1", "--column", "9"),
            EXIT_OK,
            ["src/a.ts, line 1, column 0: boom()"],
        ),
        (
            (*SHOP, "--path", "/app.js", "--line", "7", "--column", "9"),
            EXIT_FAILURE,
            ["is it of the build that is served"],
        ),
        ((*SHOP, "--path", "/bad.js"), EXIT_FAILURE, ["cannot be used: sourcemap malformed"]),
        (
            ("--service-name", "shop", "--service-version", "1.0 beta", "--path", "http://h/app.js"),
            EXIT_FAILURE,
            [
                "upload --service-name shop --service-version '1.0 beta' --bundle-filepath /app.js FILE.map",
                "the version is '1.0' here and '1.0 beta' in the frames",
            ],
        ),
        (("--service-name", "shop", "--path", "/app.js"), EXIT_FAILURE, ["set serviceVersion in the page's agent"]),
    ],
)
def test_a_frame(
    kept: LocalMaps, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, parts: list[str]
) -> None:
    assert explain(*words, *ON) == code
    shown = capsys.readouterr()
    assert [part for part in parts if part not in shown.out] == [], shown.out
    assert "no frames are mapped" not in shown.err


def test_for_programs(kept: LocalMaps, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(*SHOP, "--path", "http://h/b.js", "--json", *ON) == EXIT_FAILURE
    told = json.loads(capsys.readouterr().out)
    assert (told["mapped"], told["stored"], told["looked_for"]) == (False, None, ["http://h/b.js", "/b.js"])
    assert {tuple(one) for one in told["nearest"]} <= {
        ("service_name", "service_version", "bundle_filepath", "differences")
    }


def test_where_nothing_is_mapped_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(*SHOP, "--path", "/app.js") == EXIT_FAILURE
    shown = capsys.readouterr()
    assert "no frames are mapped at all: apm-server.rum.enabled is false" in shown.err
    assert "no source map is stored at all" in shown.out


def test_the_last_frames_that_were_not_mapped(alone: Path, kept: LocalMaps, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(*ON) == EXIT_OK
    assert "no frames were noted" in capsys.readouterr().err
    clock = iter(range(1000))
    workers = [
        Unmapped(alone / "data" / "unmapped-frames" / f"{number}.json", lambda: float(next(clock))) for number in (0, 1)
    ]
    for number in range(MOST_NOTED + 20):
        workers[number % 2].note("shop", "1.0", f"http://h/{number}.js")
    workers[0].note("shop", "1.0", "http://h/app.js")
    for worker in workers:
        notes = worker.take()
        assert notes is not None
        assert worker.take() is None
        worker.save(notes)
    assert explain("--json", *ON) == EXIT_FAILURE
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["bundle_filepath"] for one in told][:2] == ["http://h/app.js", f"http://h/{MOST_NOTED + 19}.js"]
    assert [one["mapped"] for one in told] == [True, *[False] * 9], "the map of the first one has come since"
    assert (alone / "data" / "unmapped-frames" / "0.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "words",
    [
        ("--service-name", "shop"),
        ("--path", "/app.js"),
        (*SHOP, "--path", "/app.js", "--line", "1"),
        (*SHOP, "--path", "/app.js", "--column", "1"),
    ],
)
def test_half_a_frame(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(*words) == EXIT_USAGE
    assert "which frame?" in capsys.readouterr().err


def test_a_damaged_note_is_an_error_in_words(alone: Path, kept: LocalMaps, capsys: pytest.CaptureFixture[str]) -> None:
    (alone / "data" / "unmapped-frames").mkdir()
    (alone / "data" / "unmapped-frames" / "0.json").write_bytes(b"[{]")
    assert explain(*ON) == EXIT_FAILURE
    assert "0.json" in capsys.readouterr().err
