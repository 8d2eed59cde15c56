"""`tidegate errors`: what goes wrong, grouped as Kibana groups it."""

from __future__ import annotations

import argparse
import time

from tidegate.cli.pages import Subparsers, add_page
from tidegate.cli.periods import ago, begin_us
from tidegate.cli.places import READING_EXITS, add_limit, add_since, add_store_arguments, show_from_store
from tidegate.cli.terminal import Terminal, cut, safe
from tidegate.workers.sinks.local_reader import ErrorGroup, LocalReader

_INDENT = "         "


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "errors",
        help="list the errors in the local store",
        text="Lists what went wrong, in the groups that Kibana makes too, the one seen last first.",
        examples=(("tidegate errors --service shop --since 1d", "of one service, of the last day"),),
        exits=READING_EXITS,
    )
    parser.add_argument("--service", metavar="NAME", help="only those of this service")
    add_since(parser)
    add_limit(parser, 50, "groups")
    add_store_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the groups, the one seen last first; returns the exit code."""
    now_us = time.time_ns() // 1000

    def lines(reader: LocalReader, terminal: Terminal) -> list[str]:
        found = reader.errors(arguments.limit, service=arguments.service, since_us=begin_us(now_us, arguments.since))
        return [line for group in found for line in group_lines(group, terminal, now_us)]

    return show_from_store(arguments, lines, nothing="no errors: good")


def group_lines(group: ErrorGroup, terminal: Terminal, now_us: int) -> list[str]:
    """How often and what; then who, where and when last; then the trace of the last one."""
    glyphs, paint = terminal.glyphs, terminal.paint
    room = terminal.width - len(_INDENT)
    message = safe(group.message) or "(no message)"
    if group.type and not (group.message or "").startswith(group.type):
        message = f"{safe(group.type)}: {message}"
    count = f"{group.number}{glyphs.times}"
    where = [safe(group.service) or "?", ago(group.last_us, now_us)]
    if group.culprit:
        where.append(f"at {safe(group.culprit)}")
    lines = [
        paint(f"{count:>{len(_INDENT) - 1}} ", "bold") + paint(cut(message, room, glyphs), "red"),
        _INDENT + cut(f" {glyphs.dot} ".join(where), room, glyphs),
    ]
    if group.trace_id:
        lines.append(paint(f"{_INDENT}trace {safe(group.trace_id)}", "dim"))
    return lines
