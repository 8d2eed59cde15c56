"""`tidegate traces`: the last traces, newest first."""

from __future__ import annotations

import argparse
import time

from tidegate.cli.pages import Subparsers, add_page
from tidegate.cli.periods import ago, begin_us, duration
from tidegate.cli.places import READING_EXITS, add_limit, add_since, add_store_arguments, show_from_store
from tidegate.cli.terminal import Terminal, cut, fit, safe
from tidegate.cli.waterfall import counted
from tidegate.workers.sinks.local_reader import LocalReader, TraceSummary

_AGO = 11
_TIME = 8


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "traces",
        help="list the last traces in the local store",
        text="Lists the last traces in the local store, newest first, with the ids that `tidegate trace` takes.",
        examples=(
            ("tidegate traces --since 15m --errors", "what failed in the last quarter of an hour"),
            ("tidegate traces --service shop --limit 50", "of one service"),
        ),
        exits=READING_EXITS,
    )
    parser.add_argument("--service", metavar="NAME", help="only those with a transaction of this service")
    parser.add_argument("--errors", action="store_true", help="only those with a failed transaction or an error")
    add_since(parser)
    add_limit(parser, 20, "traces")
    add_store_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the list; returns the exit code."""
    now_us = time.time_ns() // 1000

    def lines(reader: LocalReader, terminal: Terminal) -> list[str]:
        found = reader.traces(
            arguments.limit,
            service=arguments.service,
            since_us=begin_us(now_us, arguments.since),
            errors=arguments.errors,
        )
        return [line for summary in found for line in two_lines(summary, terminal, now_us)]

    return show_from_store(arguments, lines, nothing="no such trace: `tidegate demo` sends a first request")


def two_lines(summary: TraceSummary, terminal: Terminal, now_us: int) -> list[str]:
    """What the trace began with, and below it its id (which `tidegate trace` takes) and what else is in it."""
    glyphs = terminal.glyphs
    failed = summary.outcome == "failure" or summary.errors > 0
    left = f"{fit(ago(summary.timestamp_us, now_us), _AGO, glyphs)} "
    left += f"{fit(duration(summary.duration_us, glyphs), _TIME, glyphs, right=True)}  "
    parts = [f"{safe(summary.service) or '?'}:", safe(summary.name) or "(no name)"]
    if summary.result:
        parts += [glyphs.dot, safe(summary.result)]
    if failed:
        parts.insert(0, glyphs.failed)
    first = cut(" ".join(parts), terminal.width - len(left), glyphs)
    holds = [counted(summary.transactions, "transaction"), counted(summary.spans, "span")]
    if summary.services > 1:
        holds.insert(0, counted(summary.services, "service"))
    if summary.errors:
        holds.append(counted(summary.errors, "error"))
    return [
        terminal.paint(left, "dim") + terminal.paint(first, *(["red"] if failed else ["bold"])),
        terminal.paint(f"  {safe(summary.trace_id)}  {', '.join(holds)}", "dim"),
    ]
