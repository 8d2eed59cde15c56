"""Where the local store is, and one way for all commands that read it. They never touch the intake port."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tidegate.cli.given import add_settings_arguments, announced, note
from tidegate.cli.periods import parse_period
from tidegate.cli.permission import is_forbidden, refusal
from tidegate.cli.terminal import Terminal, safe, terminal_of
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE
from tidegate.workers.sinks.local_reader import LocalReader, StoreUnreadable

STORE_FILE = "store.sqlite3"
"""In the data folder; `Settings.store_file` says the same (tested)."""


READING_EXITS = {
    EXIT_OK: "something was found",
    EXIT_FAILURE: "nothing was found, or there is no local store that this user can read",
    EXIT_USAGE: "wrong usage",
    EXIT_SETTINGS: "the settings are invalid",
}
"""Of the commands that read the local store."""


def add_store_arguments(parser: argparse.ArgumentParser) -> None:
    """`--data`, `-c` and `-E`, from which `find_store` learns where the store is."""
    parser.add_argument(
        "--data", metavar="FOLDER", type=Path, help="the data folder (path.data) of the running Tidegate"
    )
    add_settings_arguments(parser)


def add_since(parser: argparse.ArgumentParser) -> None:
    """`--since`, as seconds."""
    parser.add_argument(
        "--since",
        metavar="PERIOD",
        type=parse_period,
        help="only what began within this time, such as 15m, 1h30m or 2d",
    )


def add_limit(parser: argparse.ArgumentParser, default: int, things: str, *, least: int = 1) -> None:
    """`--limit`, at least `least`."""

    def number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} on")
        return int(text)

    parser.add_argument(
        "--limit", metavar="N", type=number, default=default, help=f"at most so many {things}; {default} by default"
    )


def find_store(arguments: argparse.Namespace) -> Path:
    """The file that the arguments, else the settings, name; tells on stderr which. Raises SettingsError, StoreUnreadable."""
    if arguments.data is not None:
        note(f"data: {arguments.data}")
        return Path(arguments.data) / STORE_FILE
    settings = announced(arguments)
    if settings.sink_name != "local" and not settings.store_file.exists():
        raise StoreUnreadable(
            f"{settings.source} sends events to Elasticsearch: look for them in Kibana, or name the data folder of a"
            " Tidegate with a local store (--data)"
        )
    return settings.store_file


def show_from_store(
    arguments: argparse.Namespace,
    lines_of: Callable[[LocalReader, Terminal], Iterable[str]],
    *,
    nothing: str,
) -> int:
    """Prints what `lines_of` makes of the store; on stderr which one that is, and `nothing` when there is no line.

    Returns the exit code: 0; 1 when nothing was found or the store cannot be read. Raises SettingsError, PermissionError,
    BrokenPipeError.
    """
    try:
        file = find_store(arguments)
        if is_forbidden(file):
            print(safe(refusal(file)), file=sys.stderr)
            return EXIT_FAILURE
        reader = LocalReader(file)
    except StoreUnreadable as problem:
        print(problem, file=sys.stderr)
        return EXIT_FAILURE
    try:
        found = 0
        for line in lines_of(reader, terminal_of(sys.stdout)):
            found += 1
            print(line)
        sys.stdout.flush()
    except StoreUnreadable as problem:
        print(problem, file=sys.stderr)
        return EXIT_FAILURE
    finally:
        reader.close()
    if not found:
        print(nothing, file=sys.stderr)
        return EXIT_FAILURE
    return EXIT_OK
