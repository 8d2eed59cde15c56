"""`tidegate explain SERVICE`: why a service is not seen."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import suppress
from urllib.parse import quote

import msgspec
from tidegate.cli.explained import Case, remarks
from tidegate.cli.given import add_settings_arguments, announced
from tidegate.cli.pages import DATA_FOLDER, SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.terminal import safe, terminal_of
from tidegate.daemon.admin.client import CannotAsk, NotRunning, ask_json
from tidegate.daemon.admin.explaining import Explanation
from tidegate.daemon.admin.overview import Overview
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_NOT_RUNNING, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE
from tidegate.daemon.settings.effective import Settings

ANSWER_S = 10.0


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "explain",
        help="why a service is not seen",
        text="Follows the events of a service and says where they end: requests refused and why, lines that are no events, "
        "unsampled transactions, a clock that is off, what waits in the spool, dead letters, what the local store has, or "
        "what Elasticsearch lacks (templates, privileges).\n\n"
        "What the running processes remember, they remember since they were started. Refused requests are of a service if "
        "their agent says so in its User-Agent, which is a claim.",
        examples=(("tidegate explain shop", "where are the events of the service shop?"),),
        exits={
            EXIT_OK: "its events come in and are stored, as far as can be seen here",
            EXIT_FAILURE: "something keeps them from being seen, or nothing is known of the service",
            EXIT_USAGE: "wrong usage",
            EXIT_NOT_RUNNING: "no instance runs on path.data",
            EXIT_SETTINGS: "the settings are invalid",
        },
        files=(SETTINGS_FILES, DATA_FOLDER),
    )
    parser.add_argument("service", metavar="SERVICE", help="its name, as in service.name")
    add_settings_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints what was found, in the order of an event's way; returns the exit code. Raises SettingsError, PermissionError."""
    settings = announced(arguments)
    try:
        explanation = msgspec.convert(
            ask_json(settings.path_data, "GET", f"/explain?service={quote(arguments.service)}", ANSWER_S), Explanation
        )
        overview = msgspec.convert(ask_json(settings.path_data, "GET", "/status", ANSWER_S), Overview)
    except CannotAsk as problem:
        print(f"tidegate explain: {problem}", file=sys.stderr)
        return EXIT_NOT_RUNNING if isinstance(problem, NotRunning) else EXIT_FAILURE
    case = Case(
        service=arguments.service,
        explanation=explanation,
        overview=overview,
        letters=_letters(settings, arguments.service),
        stored=_stored(settings, arguments.service),
        store_findings=_store_findings(settings),
    )
    found = list(remarks(case, time.time()))
    terminal = terminal_of(sys.stdout)
    for remark in found:
        print(terminal.paint(safe(remark.text), *(() if remark.fine else ("yellow",))))
    return EXIT_OK if all(remark.fine for remark in found) else EXIT_FAILURE


def _letters(settings: Settings, service: str) -> list[str]:
    """Reasons of its dead letters."""
    from tidegate.cli.letter_files import LetterFiles  # noqa: PLC0415 - only where dead letters are read

    # Not held: it only looks, and another command may be at work on them.
    letters = LetterFiles(settings.path_data).letters()
    return [letter.type for letter in letters if _service_of(bytes(letter.document)) == service]


class _Named(msgspec.Struct):
    name: str = ""


class _Document(msgspec.Struct):
    service: _Named = msgspec.field(default_factory=_Named)


def _service_of(document: bytes) -> str:
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(document, type=_Document).service.name
    return ""


def _stored(settings: Settings, service: str) -> float | None:
    """When the local store last heard of it, seconds since the epoch; 0: never; None: it cannot be read from here."""
    if settings.sink_name != "local":
        return None
    from tidegate.workers.sinks.local_reader import LocalReader, StoreUnreadable  # noqa: PLC0415 - SQLite

    try:
        reader = LocalReader(settings.store_file)
    except StoreUnreadable:
        return None
    try:
        return next((one.last_us / 1e6 for one in reader.services() if one.name == service), 0.0)
    except StoreUnreadable:
        return None
    finally:
        reader.close()


def _store_findings(settings: Settings) -> list[str]:
    """What Elasticsearch lacks."""
    part = settings.worker_part(0).elasticsearch
    if part is None:
        return []
    from tidegate.cli.connect import examine  # noqa: PLC0415 - it brings the client of Elasticsearch with it

    return [one.text for one in examine(part, settings.namespace) if one.is_finding]
