"""`tidegate settings`: the settings in force, and where each comes from."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from tidegate.cli.given import add_settings_arguments, announced, warn
from tidegate.cli.pages import DATA_FOLDER, SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.terminal import Terminal, safe, terminal_of
from tidegate.daemon.errors import EXIT_OK
from tidegate.daemon.settings.effective import Row, Settings
from tidegate.daemon.settings.problems import DEFAULT

_MOST_KEY = 40
"""Columns that keys are filled up to; longer ones push their value to the right."""
_MOST_VALUE = 24
_YAML_MARKS = " -?:,[]{}#&*!|>'\"%@`"
"""What YAML reads something into at the beginning of a value."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "settings",
        help="print the settings in force, and where each comes from",
        text="Prints the settings in force that are not at their defaults, one a line: key, value, and where it comes from "
        "(a line of the file, -E, a variable). Secrets are shown as ***. A line is valid YAML.",
        examples=(
            ("tidegate settings", "what is set"),
            ("tidegate settings --all", "every setting that has an effect"),
            ("tidegate settings --json | jq -r '.settings[\"path.data\"].value'", "for programs"),
        ),
        files=(SETTINGS_FILES, DATA_FOLDER),
    )
    parser.add_argument("--all", action="store_true", help="also those at their defaults")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_settings_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints them; returns the exit code. Raises SettingsError."""
    settings = announced(arguments)
    warn(settings)
    rows = [row for row in settings.describe() if arguments.all or row.origin != str(DEFAULT)]
    if arguments.json:
        print(json.dumps(as_json(settings, rows), indent=2))
    else:
        for line in lines(rows, terminal_of(sys.stdout)):
            print(line)
    return EXIT_OK


def lines(rows: Sequence[Row], terminal: Terminal) -> list[str]:
    """`key: value  # origin`, in columns as far as they are narrow."""
    key_width = min(max((len(row.key) for row in rows), default=0), _MOST_KEY) + 1
    shown = [(f"{row.key}:", _value(row.value), safe(row.origin)) for row in rows]
    value_width = min(max((len(value) for _, value, _ in shown), default=0), _MOST_VALUE)
    return [
        f"{key:<{key_width}} {value:<{value_width}}" + terminal.paint(f"  # {origin}", "dim")
        for key, value, origin in shown
    ]


def _value(text: str) -> str:
    """The value as YAML: in quotes where it could be taken for something else."""
    unlike = not text or text[0] in _YAML_MARKS or text.endswith((":", " ")) or not text.isprintable()
    return json.dumps(text) if unlike or ": " in text or " #" in text else text


def as_json(settings: Settings, rows: Sequence[Row]) -> dict[str, object]:
    """For programs; `file` is null without a settings file."""
    return {
        "file": str(settings.source) if settings.source else None,
        "data": str(settings.path_data),
        "output": settings.sink_name,
        "warnings": [*settings.alarms, *settings.warnings],
        "settings": {row.key: {"value": row.value, "origin": row.origin} for row in rows},
    }
