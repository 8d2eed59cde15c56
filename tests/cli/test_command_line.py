"""The command line as a whole: which command is meant, what it answers with, and what its help looks like."""

from __future__ import annotations

import argparse
import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tidegate.cli import run as run_command
from tidegate.cli.completion_model import places
from tidegate.cli.main import build_parser, main
from tidegate.cli.original_words import GONE, in_our_words
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_PARTLY, EXIT_SETTINGS, EXIT_USAGE

pytestmark = pytest.mark.usefixtures("alone")

PAGES = [place.path.split() for place in places(build_parser()) if not place.path.startswith("completion ")]
COMMANDS = sorted({path[0] for path in PAGES if path})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("", ""),
        ("--help", "--help"),
        ("--version", "--version"),
        ("check", "check"),
        ("-c f.yml check", "check -c f.yml"),
        ("-cf.yml check", "check -cf.yml"),
        ("-e", "run -e"),
        ("-e -c f.yml", "run -e -c f.yml"),
        ("-c check", "run -c check"),
        ("-E a=b -d * run -v", "run -E a=b -d * -v"),
        ("--environment systemd", "run --environment systemd"),
        ("--environment=systemd", "run --environment=systemd"),
        ("-environment systemd -path.data /d -strict.perms=false", "run --environment systemd --path.data /d --strict.perms=false"),
        ("--strict.perms check", "check --strict.perms=true"),
        ("check --strict.perms", "check --strict.perms=true"),
        ("--path.home /h --path.logs /l", "run --path.home /h --path.logs /l"),
        ("test config", "check"),
        ("-c f.yml test config -e", "check -c f.yml -e"),
        ("test output", "check --connect"),
        ("export config", "settings --all"),
        ("-c", "run -c"),
    ],
)  # fmt: skip
def test_words_of_the_original(given: str, meant: str) -> None:
    assert in_our_words(given.split(), run_command.flags()) == meant.split()


@pytest.mark.parametrize("path", PAGES, ids=" ".join)
def test_every_page_fits_and_says_how_it_ends(
    path: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main([*path, "--help"])
    assert ended.value.code == EXIT_OK
    page = capsys.readouterr().out
    assert [line for line in page.splitlines() if len(line) > 80] == []
    assert page.startswith("usage: tidegate")
    assert "\nexamples:\n" in page
    assert re.search(r"\nexit codes:\n  0   ", page)


def test_docs_name_every_command_and_exit_code(checkout: Path) -> None:
    page = (checkout / "docs" / "commands.md").read_text()
    named = set(re.findall(r"^\| `tidegate ([a-z-]+)` \|", page, re.MULTILINE))
    assert named == set(COMMANDS)
    codes = set(re.findall(r"^\| (\d+) \|", page, re.MULTILINE))
    assert codes == {str(code) for code in (EXIT_OK, EXIT_FAILURE, EXIT_USAGE, EXIT_PARTLY, EXIT_SETTINGS)}
    flags = {name for action in run_command.flags()._actions for name in action.option_strings} - {"--config"}
    assert [name for name in flags if f"`{name}" not in page] == []


def test_nothing_at_all_prints_help_and_starts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == EXIT_USAGE
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("usage: tidegate COMMAND")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "did you mean check?"),
        (["bogus\x1b"], r"there is no command 'bogus\\x1b'"),
        *((([word], hint) for word, hint in GONE.items())),
        (["run", "-N"], "-N: there is no way"),
        (["-N"], "-N: there is no way"),
    ],
)
def test_what_is_no_command(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == EXIT_USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["check", "--bogus"],
        ["check", "extra"],
        ["check", "-E", "novalue"],
        ["check", "--strict.perms=perhaps"],
        ["-c"],
        ["dead-letters"],
        ["dead-letters", "bogus"],
        ["agent-config"],
        ["completion", "tcsh"],
        ["check", "--conn"],
    ],
)
def test_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == EXIT_USAGE


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["check"],
        ["settings"],
        ["services"],
        ["traces"],
        ["trace", "ab"],
        ["errors"],
        ["dead-letters", "list"],
        ["dead-letters", "retry"],
        ["agent-config", "list"],
    ],
)
def test_invalid_settings_end_every_command_alike(
    words: list[str], capsys: pytest.CaptureFixture[str], alone: Path
) -> None:
    (alone / "bad.yml").write_text("apm-server.host: x:y\napm-server.read_timeout: soon\napm-server.hots: z\n")
    assert main([*words, "-c", "bad.yml"]) == EXIT_SETTINGS
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == f"settings: {alone}/bad.yml"
    assert lines[1].startswith(f"warning: {alone}/bad.yml:3: apm-server.hots: ") and "apm-server.host" in lines[1]
    assert sorted(line.split(": ")[2] for line in lines[2:]) == ["apm-server.host", "apm-server.read_timeout", "output"]
    assert not (alone / "state").exists()


@pytest.fixture
def quiet_logging() -> Iterator[None]:
    """Logging as it was, after a command that sets it up."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("quiet_logging")
def test_a_start_that_fails_ends_with_1(alone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert (
            main(["-e", "-E", f"apm-server.host=127.0.0.1:{port}", "-E", "output.local.enabled=true"]) == EXIT_FAILURE
        )
    err = capfd.readouterr().err
    assert "Tidegate cannot start" in err and "already in use" in err
    folder = alone / "state" / "tidegate"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == EXIT_OK
    line = capsys.readouterr().out
    assert re.fullmatch(
        r"tidegate version \d+\.\d+\.\d+\S* \(linux/.*, Python 3\..*\), as APM Server 9\.\d+\.\d+\n", line
    )
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == EXIT_OK
    assert capsys.readouterr().out.split() == line.split()


def test_a_reader_that_goes_away_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: argparse.Namespace) -> int:
        raise BrokenPipeError

    class Closable:
        closed = False

        def close(self) -> None:
            self.closed = True

        def write(self, _: str) -> None: ...

        def flush(self) -> None: ...

    stream = Closable()
    monkeypatch.setattr("tidegate.cli.version.run", gone)
    monkeypatch.setattr("sys.stderr", stream)
    assert main(["version"]) == EXIT_OK
    assert stream.closed
