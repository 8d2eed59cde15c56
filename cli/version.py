"""`tidegate version`: which one this is, in one line like the original's."""

from __future__ import annotations

import argparse
import platform

from tidegate.cli.pages import Subparsers, add_page
from tidegate.daemon import __version__
from tidegate.daemon.errors import EXIT_OK
from tidegate.daemon.settings import tidegate_section


def line() -> str:
    """The version, the machine it runs on, and which version of the original agents are told."""
    machine = f"{platform.system().lower()}/{platform.machine()}, Python {platform.python_version()}"
    return f"tidegate version {__version__} ({machine}), as APM Server {tidegate_section.VERSION.default}"


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "version",
        help="print the version",
        text="Prints the version of Tidegate, and as which version of APM Server it speaks to agents unless the setting "
        "tidegate.version says otherwise.",
        examples=(("tidegate version", "the same as tidegate --version"),),
        exits={EXIT_OK: "done"},
        files=(),
    )
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Prints it; returns the exit code."""
    print(line())
    return EXIT_OK
