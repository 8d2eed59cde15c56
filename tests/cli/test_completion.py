"""Completion: the model names everything, and the script for bash does what it should in a real bash."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from tidegate.cli.completion import SHELLS
from tidegate.cli.completion_model import places
from tidegate.cli.main import build_parser, main
from tidegate.daemon.errors import EXIT_OK

COMPLETE = """
compopt() { :; }
%s
COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
_tidegate
printf '%%s\\n' "${COMPREPLY[@]}"
"""


def completed(line: str) -> list[str]:
    """What bash offers at the end of the line; a `^` stands for an empty word there."""
    words = " ".join(f"'{word}'" for word in line.replace("^", "\0").split(" ")).replace("\0", "")
    script = COMPLETE % (SHELLS["bash"](list(places(build_parser())), ["path.data", "path.home"]), words)
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run([bash, "-c", script], capture_output=True, text=True, timeout=20, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("tidegate dea", ["dead-letters"]),
        ("tidegate dead-letters ^", ["list", "show", "retry", "purge", "-h", "--help"]),
        ("tidegate dead-letters purge --o", ["--older-than"]),
        ("tidegate completion ^", ["bash", "fish", "zsh", "-h", "--help"]),
        ("tidegate check --con", ["--connect", "--config"]),
        ("tidegate run -E path.", ["path.data=", "path.home="]),
        ("tidegate trace --limit ^", []),
        ("tidegate run --path.d", ["--path.data"]),
    ],
)
def test_bash(line: str, offered: list[str]) -> None:
    assert sorted(completed(line)) == sorted(offered)


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_every_shell_gets_every_command_and_option(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == EXIT_OK
    script = capsys.readouterr().out
    for place in places(build_parser()):
        for name, _ in place.commands:
            assert name in script
        for option in place.options:
            assert all(name.lstrip("-") in script for name in option.names)
    assert "apm-server.host=" in script


@pytest.mark.parametrize(("shell", "check"), [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")])
def test_the_shell_can_read_it(shell: str, check: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"NOT RUN, absent: {shell}")
    script = SHELLS[shell](list(places(build_parser())), ["path.data"])
    done = subprocess.run([program, check], input=script, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_name_means_the_same_everywhere() -> None:
    """The scripts look only at the word before the one that is completed."""
    kinds: dict[str, set[str]] = {}
    for place in places(build_parser()):
        for option in place.options:
            for name in option.names:
                kinds.setdefault(name, set()).add(option.kind)
    assert {name: kind for name, kind in kinds.items() if len(kind) > 1} == {}
