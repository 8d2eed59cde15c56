"""`tidegate sourcemap` with the folder beside the local store: which files go under which key, and what is told of them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from tidegate.cli import sourcemap_files
from tidegate.cli.main import main
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.workers.store.local_maps import LocalMaps
from tidegate.workers.store.source_maps import MapKey

pytestmark = pytest.mark.usefixtures("alone")

MAP = b'{"version":3,"sources":["a.js"],"names":[],"mappings":"AAAA"}'
NAMED = ("--service-name", "shop", "--service-version", "1.0")


@pytest.fixture
def kept(alone: Path) -> LocalMaps:
    return LocalMaps(alone / "data" / "source-maps")


@pytest.fixture
def build(alone: Path) -> Path:
    folder = alone / "dist"
    for name in ("app.js.map", "parts/b.mjs.map", "parts/style.css.map", "app.js", "parts/readme.map"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(MAP)
    return folder


def call(*words: str) -> int:
    return main(["sourcemap", *words, "-E", "path.data=data"])


def paths(store: LocalMaps) -> set[str]:
    return {one.key.path for one in store.maps().maps}


def test_a_map_from_its_upload_to_its_end(kept: LocalMaps, build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list") == EXIT_OK
    assert "no source maps" in capsys.readouterr().err
    assert call("upload", str(build / "app.js.map"), *NAMED, "--bundle-filepath", "/static/../app.js") == EXIT_OK
    shown = capsys.readouterr()
    assert "stored for /app.js" in shown.out
    assert "not mapped yet: set apm-server.rum.enabled: true" in shown.err
    key = MapKey("shop", "1.0", "/app.js")
    assert kept.content(key, 1000) == MAP
    assert call("list", "--service-name", "shop") == EXIT_OK
    [line] = capsys.readouterr().out.splitlines()
    assert line.split()[-3:] == ["shop", "1.0", "/app.js"]
    assert call("list", "--json") == EXIT_OK
    listed = json.loads(capsys.readouterr().out)
    [stored] = kept.maps().maps
    assert listed == {
        "service_name": "shop",
        "service_version": "1.0",
        "bundle_filepath": "/app.js",
        "sha256": stored.sha256,
        "created": stored.created,
        "bytes": stored.size,
    }
    assert call("delete", *NAMED, "--bundle-filepath", "/app.js") == EXIT_OK
    assert paths(kept) == set()
    assert call("delete", *NAMED, "--bundle-filepath", "/app.js") == EXIT_FAILURE
    assert "no such source map" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (
            "https://shop.example/static/",
            {"https://shop.example/static/app.js", "https://shop.example/static/parts/b.mjs"},
        ),
        ("/static", {"/static/app.js", "/static/parts/b.mjs"}),
        ("/", {"/app.js", "/parts/b.mjs"}),
        ("~", {"~/app.js", "~/parts/b.mjs"}),
    ],
)
def test_the_maps_of_a_folder(kept: LocalMaps, build: Path, root: str, expected: set[str]) -> None:
    assert call("upload", str(build), *NAMED, "--bundle-root", root) == EXIT_OK
    assert paths(kept) == expected


def test_a_bad_map_keeps_no_other_away(kept: LocalMaps, build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "broken.js.map").write_bytes(b"//# sourceMappingURL")
    (build / "large.js.map").write_bytes(MAP + b" " * 1000)
    settings = ("-E", "apm-server.rum.source_mapping.max_sourcemap_size=1000", "-E", "apm-server.rum.enabled=true")
    assert call("upload", str(build), *NAMED, "--bundle-root", "/", "--json", *settings) == EXIT_FAILURE
    shown = capsys.readouterr()
    lines = {line["bundle_filepath"]: line for line in map(json.loads, shown.out.splitlines())}
    assert {path for path, line in lines.items() if line["stored"]} == {"/app.js", "/parts/b.mjs"} == paths(kept)
    assert "no JSON" in lines["/broken.js"]["error"]
    assert "max_sourcemap_size" in lines["/large.js"]["error"]
    assert "2 of 4 source maps are not stored" in shown.err
    assert "not mapped yet" not in shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dist", "--bundle-filepath", "/a.js"), "--bundle-filepath is of one file"),
        (("dist/app.js.map", "dist/app.js.map", "--bundle-filepath", "/a.js"), "--bundle-filepath is of one file"),
        (("dist/empty", "--bundle-root", "/"), "there is no file *.js.map, *.mjs.map, *.cjs.map in dist/empty"),
        (("dist/app.js.map", "--bundle-filepath", "x" * 600), "512 are allowed"),
        (("dist/app.js.map", "--bundle-filepath", "/a\n"), "control characters"),
    ],
)
def test_what_cannot_be_uploaded(
    kept: LocalMaps, build: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    (build / "empty").mkdir()
    assert call("upload", *words, *NAMED) == EXIT_USAGE
    assert said in capsys.readouterr().err
    assert paths(kept) == set()


def test_a_folder_that_is_no_build(
    build: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sourcemap_files, "MOST_FILES", 1)
    assert call("upload", str(build), *NAMED, "--bundle-root", "/") == EXIT_USAGE
    assert "more than 1 source maps" in capsys.readouterr().err


def test_a_file_that_is_not_there(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("upload", "dist/none.js.map", *NAMED, "--bundle-filepath", "/a.js") == EXIT_FAILURE
    assert "dist/none.js.map: No such file or directory" in capsys.readouterr().err


@pytest.fixture
def three(kept: LocalMaps, build: Path, capsys: pytest.CaptureFixture[str]) -> LocalMaps:
    assert call("upload", str(build), *NAMED, "--bundle-root", "/") == EXIT_OK
    words = ("--service-name", "shop", "--service-version", "2.0", "--bundle-filepath", "/c.js")
    assert call("upload", str(build / "app.js.map"), *words) == EXIT_OK
    capsys.readouterr()
    return kept


@pytest.mark.parametrize(
    ("words", "code", "left"),
    [
        ((), EXIT_USAGE, 3),
        (("--service-version", "1.0"), EXIT_USAGE, 3),
        (("--service-name", "shop"), EXIT_FAILURE, 3),
        (("--service-name", "shop", "--count", "2"), EXIT_FAILURE, 3),
        (("--service-name", "shop", "--count", "3"), EXIT_OK, 0),
        ((*NAMED, "--count", "2"), EXIT_OK, 1),
        (("--service-name", "other", "--count", "0"), EXIT_FAILURE, 3),
        (("--service-name", "shop", "--bundle-filepath", "/c.js", "--count", "1"), EXIT_OK, 2),
    ],
)
def test_several_are_removed_only_by_their_number(
    three: LocalMaps, words: tuple[str, ...], code: int, left: int
) -> None:
    assert call("delete", *words) == code
    assert len(three.maps().maps) == left


@pytest.mark.parametrize(("answer", "left"), [("3\n", 0), ("y\n", 3), ("", 3), ("2\n", 3)])
def test_a_person_is_asked_for_their_number(
    three: LocalMaps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, left: int
) -> None:
    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Keyboard(answer))
    call("delete", "--service-name", "shop")
    assert len(three.maps().maps) == left
    assert "type their number" in capsys.readouterr().err


def test_the_role_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sourcemap", "role"]) == EXIT_OK
    assert json.loads(capsys.readouterr().out)["indices"][0]["names"] == [".apm-source-map"]


def test_elasticsearch_away(capsys: pytest.CaptureFixture[str], build: Path) -> None:
    away = ("-E", "output.elasticsearch.hosts=127.0.0.1:1")
    assert call("upload", "dist/app.js.map", *NAMED, "--bundle-filepath", "/a.js", *away) == EXIT_FAILURE
    assert "cannot be reached" in capsys.readouterr().err
    assert call("list", *away) == EXIT_FAILURE
