"""`tidegate status`: how the running instance fares; what is on disk, when none runs."""

from __future__ import annotations

import argparse
import json
import sys
import time

import msgspec
from tidegate.cli.given import add_settings_arguments, announced
from tidegate.cli.pages import DATA_FOLDER, SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.status_page import absent_lines, lines
from tidegate.cli.terminal import terminal_of
from tidegate.daemon.admin.client import CannotAsk, NotRunning, ask_json
from tidegate.daemon.admin.overview import Overview
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_NOT_RUNNING, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE

ANSWER_S = 10.0
"""For the answer; the supervisor takes milliseconds, a machine without a free core more."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "status",
        help="how the running instance fares",
        text="Shows the processes, what is on its way and what waits on disk, how long an outage of the store can last, "
        "what keeps documents from being stored, what was counted, and the last complaints. When no instance runs on "
        "path.data, it says what waits there on disk.",
        examples=(
            ("tidegate status", "is all well?"),
            ("tidegate status --json | jq .spool", "for programs"),
            ("curl --unix-socket /var/lib/tidegate/admin.sock http://-/metrics", "the same figures, for Prometheus"),
        ),
        exits={
            EXIT_OK: "all is well",
            EXIT_FAILURE: "something is degraded, starting or stopping, or requests are refused",
            EXIT_USAGE: "wrong usage",
            EXIT_NOT_RUNNING: "no instance runs on path.data",
            EXIT_SETTINGS: "the settings are invalid",
        },
        files=(SETTINGS_FILES, DATA_FOLDER),
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_settings_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the status; returns the exit code. Raises SettingsError and PermissionError."""
    settings = announced(arguments)
    terminal = terminal_of(sys.stdout)
    try:
        content = ask_json(settings.path_data, "GET", "/status", ANSWER_S)
    except NotRunning:
        # Only where it is needed: reading a spool brings half of the worker with it.
        from tidegate.cli.left_on_disk import left_in  # noqa: PLC0415 - see above

        left = left_in(settings.path_data)
        if arguments.json:
            print(json.dumps({"state": "not running", "left_on_disk": msgspec.to_builtins(left)}, indent=2))
        else:
            print("\n".join(absent_lines(settings.path_data, left, terminal)))
        return EXIT_NOT_RUNNING
    except CannotAsk as problem:
        print(f"tidegate status: {problem}", file=sys.stderr)
        return EXIT_FAILURE
    overview = msgspec.convert(content, Overview)
    if arguments.json:
        print(json.dumps(content, indent=2))
    else:
        print("\n".join(lines(overview, terminal, time.time())))
    return EXIT_OK if overview.verdict == "well" and overview.state == "serving" else EXIT_FAILURE
