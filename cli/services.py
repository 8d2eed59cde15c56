"""`tidegate services`: who sends events, and how they fare."""

from __future__ import annotations

import argparse
import time

from tidegate.cli.pages import Subparsers, add_page
from tidegate.cli.periods import ago, begin_us, duration
from tidegate.cli.places import READING_EXITS, add_since, add_store_arguments, show_from_store
from tidegate.cli.terminal import Terminal, fit, safe
from tidegate.workers.sinks.local_reader import LocalReader, ServiceSummary

_NUMBERS = 7
"""Columns of a count: up to 9,999,999."""
_TIME = 8
_WIDE = 100
"""From so many columns on, the slowest transaction has one too."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "services",
        help="list the services in the local store",
        text="Lists who sent events to the local store: agent, transactions, failures, errors, the mean duration, and when "
        "something was heard last.",
        examples=(("tidegate services --since 1h", "those of the last hour"),),
        exits=READING_EXITS,
    )
    add_since(parser)
    add_store_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the table; returns the exit code."""
    now_us = time.time_ns() // 1000

    def lines(reader: LocalReader, terminal: Terminal) -> list[str]:
        found = reader.services(begin_us(now_us, arguments.since))
        return table(found, terminal, now_us) if found else []

    return show_from_store(arguments, lines, nothing="no service was heard of: `tidegate demo` sends a first request")


def table(services: list[ServiceSummary], terminal: Terminal, now_us: int) -> list[str]:
    """A heading and a line for each service. The first two columns share what the others leave."""
    heads = [("TRANS.", _NUMBERS), ("FAILED", _NUMBERS), ("ERRORS", _NUMBERS), ("MEAN", _TIME)]
    if terminal.width >= _WIDE:
        heads.append(("SLOWEST", _TIME))
    fixed = sum(width + 1 for _, width in heads) + 11
    name = max(8, min(40, (terminal.width - fixed) * 2 // 3))
    agent = max(6, min(30, terminal.width - fixed - name - 1))
    glyphs = terminal.glyphs

    def line(first: str, second: str, others: list[str], last: str) -> str:
        cells = [fit(text, width, glyphs, right=True) for text, (_, width) in zip(others, heads, strict=False)]
        return " ".join([fit(first, name, glyphs), fit(second, agent, glyphs), *cells, last]).rstrip()

    lines = [terminal.paint(line("SERVICE", "AGENT", [text for text, _ in heads], "LAST SEEN"), "dim")]
    for service in services:
        environment = f" ({safe(service.environment)})" if service.environment else ""
        agent_name = " ".join(filter(None, (safe(service.agent), safe(service.agent_version))))
        text = line(
            safe(service.name) + environment,
            agent_name,
            [
                str(service.transactions),
                str(service.failed),
                str(service.errors),
                duration(service.mean_us, glyphs),
                duration(service.slowest_us, glyphs),
            ],
            ago(service.last_us, now_us),
        )
        lines.append(terminal.paint(text, "red") if service.failed or service.errors else text)
    return lines
