"""`tidegate dead-letters`: the documents that Elasticsearch refused for what is in them, and what to do with them."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from fnmatch import fnmatchcase
from itertools import islice

from tidegate.cli.given import add_settings_arguments, announced, note
from tidegate.cli.letter_files import LetterFiles, LettersBusy, StoredLetter
from tidegate.cli.letter_retry import in_requests, send
from tidegate.cli.letter_views import group_lines, grouped, letter_json, letter_lines, moment_us
from tidegate.cli.pages import Subparsers, add_page
from tidegate.cli.periods import parse_period
from tidegate.cli.places import add_limit
from tidegate.cli.terminal import safe, terminal_of
from tidegate.cli.waterfall import counted
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE, StartError
from tidegate.daemon.settings.effective import Settings
from tidegate.workers.sinks.contract import Sink, TryAgain

_NOTHING = "no dead letters: good"
_REASONS = 5
"""Named after a retry: a mapping conflict has few."""

Work = Callable[[argparse.Namespace, Settings], int]


class CannotRetry(Exception):
    """Nothing can be sent now; the message says why."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand and those below it."""
    parser = add_page(
        subparsers,
        "dead-letters",
        help="list, show, send again or remove what Elasticsearch refused",
        text="A document that Elasticsearch refuses for what is in it (a text where a number is wanted, a document that is "
        "too large) is set aside as a dead letter, with the reason, in the data folder: up to "
        "tidegate.dead_letters.max_bytes and .max_age. What Elasticsearch refuses for other reasons (no privilege, no "
        "template, no space) never becomes one: it waits in the spool.\n\n"
        "All of these commands may be used while Tidegate runs.",
        examples=(
            ("tidegate dead-letters list", "what is wrong, in groups"),
            ("tidegate dead-letters show --limit 1", "one of them, with its document"),
            ("tidegate dead-letters retry", "the mapping was corrected: send them again"),
            ("tidegate dead-letters purge --older-than 7d", "away with the old ones"),
        ),
    )
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_list(actions)
    _add_show(actions)
    _add_retry(actions)
    _add_purge(actions)


def _add_list(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "list",
        help="what is wrong, in groups",
        text="Lists the dead letters in groups: how many, when last, what Elasticsearch said, and of one the reason.",
        examples=(("tidegate dead-letters list --index 'logs-*'", "those of some data streams"),),
    )
    _finish(parser, _list, ids=False)


def _add_show(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "show",
        help="single ones, with their documents",
        text="Shows dead letters, the oldest first: reason, data stream, id and document. Documents hold what applications "
        "sent: they may be confidential.",
        examples=(
            ("tidegate dead-letters show --limit 1", "one"),
            ("tidegate dead-letters show --json --limit 0 > letters.ndjson", "all, for programs"),
        ),
    )
    parser.add_argument("--json", action="store_true", help="print each in one line of JSON")
    add_limit(parser, 10, "letters (0: all)", least=0)
    _finish(parser, _show)


def _add_retry(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "retry",
        help="send them again",
        text="Sends dead letters to Elasticsearch again, all of them unless some are named, with the address and the "
        "credentials of the settings. They keep their ids: one that is there already is not stored twice. What is stored is "
        "no dead letter any more, what is refused again stays one.",
        examples=(("tidegate dead-letters retry --index traces-apm-default", "those of one data stream"),),
        exits={
            EXIT_OK: "all of them are stored now",
            EXIT_FAILURE: "some were refused again, or Elasticsearch could not be asked",
            EXIT_USAGE: "wrong usage",
            EXIT_SETTINGS: "the settings are invalid",
        },
    )
    _finish(parser, _retry)


def _add_purge(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "purge",
        help="remove them for good",
        text="Removes dead letters for good: those that are named, or --all. The disk space is free again when the last "
        "letter of a file has gone; the file that a running Tidegate writes to stays until it is full or Tidegate stops.",
        examples=(
            ("tidegate dead-letters purge --older-than 7d", "the old ones"),
            ("tidegate dead-letters purge --all", "every one"),
        ),
    )
    parser.add_argument("--all", action="store_true", help="every dead letter")
    parser.add_argument(
        "--older-than", metavar="PERIOD", type=parse_period, help="refused longer ago, such as 12h or 7d"
    )
    _finish(parser, _purge)


def _finish(parser: argparse.ArgumentParser, work: Work, *, ids: bool = True) -> None:
    if ids:
        parser.add_argument("ids", metavar="ID", nargs="*", help="only those whose id begins so")
    parser.add_argument("--index", metavar="PATTERN", help="only those for such data streams, such as 'traces-*'")
    add_settings_arguments(parser)

    def run(arguments: argparse.Namespace) -> int:
        try:
            return work(arguments, announced(arguments))
        except (LettersBusy, CannotRetry) as problem:
            print(problem, file=sys.stderr)
            return EXIT_FAILURE

    parser.set_defaults(run=run)


# ------------------------------------------------------------------------------------------------------------- commands


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    files = LetterFiles(settings.path_data)
    groups = grouped(_chosen(files, arguments))
    if groups:
        for line in group_lines(groups, terminal_of(sys.stdout), time.time_ns() // 1000):
            print(line)
    else:
        note(_NOTHING)
    _tell_damaged(files)
    return EXIT_OK


def _show(arguments: argparse.Namespace, settings: Settings) -> int:
    files = LetterFiles(settings.path_data)
    terminal = terminal_of(sys.stdout)
    shown = 0
    for letter in islice(_chosen(files, arguments), arguments.limit or None):
        if arguments.json:
            print(letter_json(letter))
        else:
            print(*(["", *letter_lines(letter, terminal)] if shown else letter_lines(letter, terminal)), sep="\n")
        shown += 1
    _tell_damaged(files)
    if not shown:
        note("no such dead letter" if arguments.ids or arguments.index else _NOTHING)
        return EXIT_FAILURE if arguments.ids else EXIT_OK
    return EXIT_OK


def _retry(arguments: argparse.Namespace, settings: Settings) -> int:
    stored = 0
    stopped = ""
    refused: Counter[str] = Counter()
    postponed: Counter[str] = Counter()
    with LetterFiles(settings.path_data) as files, _sink(files, settings) as (sink, compression_level):
        try:
            for letters in in_requests(_chosen(files, arguments)):
                sent = send(letters, sink, compression_level)
                files.settle(sent.stored)
                stored += len(sent.stored)
                refused += sent.refused
                postponed += sent.postponed
        except TryAgain as problem:
            stopped = problem.cause
        files.clean_up()
    print(f"{counted(stored, 'document')} stored")
    for verdict, reasons in (("refused again", refused), ("not taken now", postponed)):
        for reason, number in reasons.most_common(_REASONS):
            print(f"{number} {verdict}: {safe(reason)}")
    if stopped:
        print(f"the others are not taken now: {safe(stopped)}")
    _tell_damaged(files)
    return EXIT_FAILURE if refused or postponed or stopped else EXIT_OK


def _purge(arguments: argparse.Namespace, settings: Settings) -> int:
    if not (arguments.all or arguments.ids or arguments.index or arguments.older_than):
        print("which ones? name ids, --index or --older-than, or say --all", file=sys.stderr)
        return EXIT_USAGE
    latest_us = (
        None if arguments.older_than is None else time.time_ns() // 1000 - round(arguments.older_than * 1_000_000)
    )
    with LetterFiles(settings.path_data) as files:
        ids = [letter.id for letter in _chosen(files, arguments) if latest_us is None or moment_us(letter) <= latest_us]
        files.settle(ids)
        removed = files.clean_up()
    print(f"{counted(len(ids), 'dead letter')} removed, {counted(removed, 'file')} deleted")
    return EXIT_OK


def _chosen(files: LetterFiles, arguments: argparse.Namespace) -> Iterator[StoredLetter]:
    beginnings = tuple(getattr(arguments, "ids", ()))
    for letter in files.letters():
        if beginnings and not letter.id.startswith(beginnings):
            continue
        if arguments.index is None or fnmatchcase(letter.index, arguments.index):
            yield letter


def _tell_damaged(files: LetterFiles) -> None:
    if files.damaged:
        print(f"{counted(files.damaged, 'line')} below {files.folder} cannot be read", file=sys.stderr)


@contextmanager
def _sink(files: LetterFiles, settings: Settings) -> Iterator[tuple[Sink, int]]:
    """The sink of the settings, reachable. Raises CannotRetry."""
    from tidegate.workers.outlet import open_outlet  # noqa: PLC0415 - the client takes a third of a second

    with files.daemon_kept_out() as stopped:
        if settings.sink_name == "local" and not stopped:
            raise CannotRetry("the local store has one writer: stop Tidegate, and try again")
        try:
            outlet = open_outlet(settings.worker_part(0))
        except StartError as problem:
            raise CannotRetry(str(problem)) from problem
        with closing(outlet.sink):
            try:
                if not outlet.sink.ready():
                    raise CannotRetry("the store is not ready")
            except TryAgain as problem:
                raise CannotRetry(problem.cause) from problem
            yield outlet.sink, outlet.compression_level
