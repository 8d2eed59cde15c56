"""`tidegate trace ID`: one trace as a waterfall. (The name `trace` belongs to a module of the standard library.)"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable

import orjson
from tidegate.cli.pages import Subparsers, add_page
from tidegate.cli.places import READING_EXITS, add_limit, add_store_arguments, show_from_store
from tidegate.cli.terminal import Terminal, safe
from tidegate.cli.waterfall import draw
from tidegate.workers.sinks.local_reader import MATCHES, LocalReader, StoreUnreadable

_MOST_EVENTS = 50_000
"""Events read of one trace: some 100 MiB of memory. Agents stop at 500 spans a transaction; more is a mistake or a flood."""
_DEFAULT_LIMIT = 200
"""Events drawn: what a person can look through; the longest and the failed ones are among them."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "trace",
        help="show one trace as a waterfall",
        text="Shows one trace of the local store as a waterfall: what called what, when, and what went wrong.",
        examples=(
            ("tidegate trace 0af76519", "the beginning of an id is enough"),
            ("tidegate trace 0af76519 --json | jq .", "the documents, for programs"),
        ),
        exits=READING_EXITS,
    )
    parser.add_argument("id", metavar="ID", help="the trace's id, or its beginning where that is unique")
    parser.add_argument("--json", action="store_true", help="print the stored documents instead, one a line")
    add_limit(parser, _DEFAULT_LIMIT, "events (0: all)", least=0)
    add_store_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the picture; returns the exit code."""

    def lines(reader: LocalReader, terminal: Terminal) -> Iterable[str]:
        trace_id = _only(arguments.id, reader)
        if arguments.json:
            return (ascii_json(document) for document in reader.documents(trace_id))
        return draw(reader.trace(trace_id, _MOST_EVENTS), terminal, arguments.limit)

    return show_from_store(arguments, lines, nothing="")


def _only(prefix: str, reader: LocalReader) -> str:
    found = reader.find_trace(prefix)
    if not found:
        raise StoreUnreadable(
            f"no trace in {reader.file} begins with {safe(prefix)!r}: events arrive within a second or two, and the oldest"
            " make room for new ones; `tidegate traces` lists what is there"
        )
    if len(found) > 1:
        some = "\n".join(f"  {safe(trace_id)}" for trace_id in found[:MATCHES])
        more = "\n  and more" if len(found) > MATCHES else ""
        raise StoreUnreadable(f"several traces begin with {safe(prefix)!r}:\n{some}{more}")
    return found[0]


def ascii_json(document: bytes) -> str:
    """A stored document in one line, everything beyond ASCII escaped: as it stands, JSON may turn a terminal's line round."""
    return json.dumps(orjson.loads(document), separators=(",", ":")).replace("\x7f", "\\u007f")
