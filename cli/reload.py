"""`tidegate reload`: has the running instance read its settings again, and tells what became of it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import msgspec
from tidegate.cli.given import add_settings_arguments, note
from tidegate.cli.pages import DATA_FOLDER, SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.terminal import safe
from tidegate.daemon.admin.client import CannotAsk, ask
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_PARTLY, EXIT_SETTINGS, EXIT_USAGE
from tidegate.daemon.reloading import Result
from tidegate.daemon.settings.loader import find_data_folder

WAIT_S = 60.0
"""A reload takes well below a second; a child that hangs is replaced within twelve."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "reload",
        help="have the running instance read its settings again",
        text="Has the running instance read its settings again: the same file, -E and environment as at its start. Waits until "
        "all its processes use them, and prints what has changed. No connection is dropped. If anything is wrong with the new "
        "settings, nothing changes and every mistake is printed. Keys that need a restart are named and stay as they are.\n\n"
        "The instance is the one that runs on path.data, which is found as by all commands: -c, -E and --path.data say "
        "nothing about the settings that are read.",
        examples=(
            ("tidegate reload", "after the settings file was changed"),
            ("sudo -u tidegate tidegate reload -c /etc/tidegate/tidegate.yml", "of a service with a user of its own"),
            ("systemctl reload tidegate", "the same, without the words"),
        ),
        exits={
            EXIT_OK: "the settings are in force",
            EXIT_FAILURE: "nobody runs on path.data, or there was no answer",
            EXIT_USAGE: "wrong usage",
            EXIT_PARTLY: "in force, but for keys that need a restart",
            EXIT_SETTINGS: "the new settings are invalid; those of before stay in force",
        },
        files=(SETTINGS_FILES, DATA_FOLDER),
    )
    add_settings_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Asks and waits; returns the exit code. Raises SettingsError where the data folder cannot be found."""
    folder = find_data_folder(arguments.config, arguments.overrides, os.environ, Path.cwd())
    note(f"data: {folder}")
    try:
        reply = ask(folder, "POST", "/reload", WAIT_S)
        result = msgspec.json.decode(reply.body, type=Result)
    except CannotAsk as problem:
        print(safe(str(problem)), file=sys.stderr)
        return EXIT_FAILURE
    except msgspec.DecodeError:
        print(f"Tidegate answered {reply.status}: its log says more", file=sys.stderr)
        return EXIT_FAILURE
    return tell(result)


def tell(result: Result) -> int:
    """Prints what became of the reload; returns the exit code."""
    for text in result.warnings:
        print(f"warning: {safe(text)}", file=sys.stderr)
    for text in result.errors:
        print(f"error: {safe(text)}", file=sys.stderr)
    if result.errors:
        print("nothing has changed: the settings of before stay in force", file=sys.stderr)
        return EXIT_SETTINGS
    for text in result.applied:
        print(safe(text))
    for text in result.waiting:
        print(f"needs a restart and stays as it was: {safe(text)}", file=sys.stderr)
    if not result.applied and not result.waiting:
        print("no setting has changed", file=sys.stderr)
    return EXIT_PARTLY if result.waiting else EXIT_OK
