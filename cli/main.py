"""The command `tidegate`: finds the subcommand and runs it."""

from __future__ import annotations

import argparse
import difflib
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from tidegate.cli import (
    agent_config,
    api_key,
    check,
    completion,
    dead_letters,
    demo,
    errors,
    explain,
    exposure,
    init,
    one_trace,
    reload,
    run,
    services,
    settings,
    setup,
    sourcemap,
    status,
    systemd,
    traces,
    version,
)
from tidegate.cli.completion_model import places
from tidegate.cli.given import tell
from tidegate.cli.original_words import GONE, in_our_words
from tidegate.cli.pages import DATA_FOLDER, SETTINGS_FILES, Page, epilog
from tidegate.cli.permission import refusal
from tidegate.cli.prove import command as prove
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_USAGE
from tidegate.daemon.settings.problems import SettingsError

COMMANDS = (
    run,
    reload,
    init,
    check,
    exposure,
    settings,
    demo,
    services,
    setup,
    status,
    explain,
    traces,
    one_trace,
    errors,
    api_key,
    dead_letters,
    agent_config,
    sourcemap,
    prove,
    systemd,
    version,
    completion,
)
"""Each has `add_parser(subparsers)`, which sets `run` to a function from the parsed arguments to an exit code.

`run` may raise SettingsError and PermissionError.
"""
_INTERRUPTED = 130
"""What shells say of a program that Ctrl-C ended."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser: argparse.ArgumentParser = Page(
        prog="tidegate",
        usage="tidegate COMMAND [options]",
        description="Takes in the events of Elastic APM agents and writes them to Elasticsearch, or to a local store.\n\n"
        "Flags alone (tidegate -e -c FILE) mean tidegate run, as with the original. Without any, this page is printed "
        "and nothing is started.",
        epilog=epilog(
            [
                ("tidegate run", "a first look: the daemon, with a local store on 127.0.0.1:8200 …"),
                ("tidegate demo && tidegate traces", "… and a first trace, in another terminal"),
                ("tidegate init && tidegate check", "settings of one's own"),
                ("tidegate COMMAND --help", "all about one command"),
            ],
            files=(SETTINGS_FILES, DATA_FOLDER),
        ),
    )
    parser.add_argument("--version", action="version", version=version.line(), help="print the version")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, prog="tidegate")
    for command in COMMANDS:
        command.add_parser(subparsers)
    parser.set_defaults(parser=parser)
    return parser


def _no_command(word: str, parser: argparse.ArgumentParser) -> str | None:
    """Why the word is no command, and what was probably meant; None where it is one, or an option."""
    known = [name for place in places(parser) if not place.path for name, _ in place.commands]
    if word in known or word.startswith("-"):
        return None
    if word in GONE:
        return f"{word}: {GONE[word]}"
    near = difflib.get_close_matches(word, known, 1)
    hint = f"did you mean {near[0]}?" if near else "`tidegate --help` lists the commands"
    return f"there is no command {safe(word)!r}: {hint}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code (see `tidegate.daemon.errors`). Raises SystemExit for wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names may hold what the terminal's encoding lacks
    parser = build_parser()
    words = in_our_words(sys.argv[1:] if arguments is None else arguments, run.flags())
    if not words:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    if (trouble := _no_command(words[0], parser)) is not None:
        print(f"tidegate: {trouble}", file=sys.stderr)
        return EXIT_USAGE
    parsed = parser.parse_args(words)
    try:
        return int(parsed.run(parsed))
    except SettingsError as problem:
        return tell(problem, parsed)
    except PermissionError as problem:
        if problem.filename is None:
            raise
        print(safe(refusal(Path(problem.filename), words)), file=sys.stderr)
        return EXIT_FAILURE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader (`head`, a pager) has gone; that is no failure, but the exit of the interpreter would complain.
        sys.stderr.close()
        return 0
