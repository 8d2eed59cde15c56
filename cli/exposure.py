"""`tidegate exposure`: who can do what on the intake port with these settings, and what should change."""

from __future__ import annotations

import argparse
import json
import sys

from tidegate.cli.agents import agent_url
from tidegate.cli.given import add_settings_arguments, announced
from tidegate.cli.pages import SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.terminal import terminal_of
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE

SEVERITIES = ("critical", "high", "medium", "low", "note")
"""The worst first; `exposed.finding` says what each means (tested to be the same)."""
DEFAULT_FAILURE = "medium"


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "exposure",
        help="who can do what on the port, and what should change",
        text="Shows every path that the intake port answers with these settings: who may call it, what an answer can tell, "
        "which limits hold. Then what should change, the worst first, each with the key to set.\n\n"
        "It looks at the settings, at this machine (modes of files, certificates, the kernel), and asks Elasticsearch "
        "what the settings' credentials may do there. With --server it also calls the running server, without credentials, "
        "and looks at its processes. It stores and changes nothing.",
        examples=(
            ("tidegate exposure -c /etc/tidegate/tidegate.yml", "can anyone read data out of it?"),
            ("tidegate exposure --no-store --fail-on low", "in CI, for a settings file"),
            ("tidegate exposure --server", "and does the running one do as its settings say?"),
            ("tidegate exposure --json | jq -r '.findings[].id'", "for programs"),
        ),
        files=(SETTINGS_FILES,),
        exits={
            EXIT_OK: f"nothing as bad as --fail-on ({DEFAULT_FAILURE} by default)",
            EXIT_FAILURE: "something as bad, or worse",
            EXIT_USAGE: "wrong usage",
            EXIT_SETTINGS: "the settings are invalid",
        },
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--no-store", action="store_true", help="do not ask Elasticsearch")
    parser.add_argument(
        "--server",
        metavar="URL",
        nargs="?",
        const="",
        help="also call the running server there; without URL, where the settings say that it is",
    )
    parser.add_argument(
        "--fail-on",
        metavar="SEVERITY",
        choices=SEVERITIES,
        default=DEFAULT_FAILURE,
        help=f"exit with 1 from this severity on: {', '.join(SEVERITIES)}",
    )
    add_settings_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the report; returns the exit code. Raises SettingsError."""
    # Only where they are used: the routes bring half of the acceptor with them.
    from tidegate.cli.exposed import page  # noqa: PLC0415 - see above
    from tidegate.cli.exposed.examination import examine  # noqa: PLC0415 - see above
    from tidegate.cli.exposed.finding import Severity, reaches  # noqa: PLC0415 - see above
    from tidegate.cli.exposed.report import document  # noqa: PLC0415 - see above
    from tidegate.cli.exposed.walk import Server  # noqa: PLC0415 - see above

    settings = announced(arguments)
    server = None
    if arguments.server is not None:
        try:
            server = Server(arguments.server or agent_url(settings))
        except ValueError as problem:
            print(f"--server: {problem}", file=sys.stderr)
            return EXIT_USAGE
    report = examine(settings, ask_store=not arguments.no_store, server=server)
    if arguments.json:
        print(json.dumps(document(report), indent=2))
    else:
        for line in page.lines(report, terminal_of(sys.stdout)):
            print(line)
    return EXIT_FAILURE if reaches(report.findings, Severity(arguments.fail_on)) else EXIT_OK
