"""`tidegate prove`: shows on this machine that what is acknowledged arrives exactly once, whatever is killed."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegate.cli.given import add_settings_arguments
from tidegate.cli.pages import Subparsers, add_page
from tidegate.cli.periods import parse_period
from tidegate.cli.prove import arguments as given
from tidegate.cli.prove.plan import MEANING, TARGETS, Fault
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE

_MOST_KILLS = 10_000
_MOST_RATE = 20_000
_MOST_WORKERS = 16


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    faults = "\n".join(f"  {fault:<13} {meaning}" for fault, meaning in MEANING.items())
    parser = add_page(
        subparsers,
        "prove",
        help="kill an instance of its own again and again, and show that nothing is lost",
        text="Starts a Tidegate of its own, with a data folder and a port of its own, sends it events, none of them twice, "
        "and notes each answer. Meanwhile its processes are killed (SIGKILL), and other faults come and go. In the end each "
        "event that was acknowledged must be stored exactly once, as it was sent, or be a dead letter with a reason.\n\n"
        "The store behind it is a stand-in for Elasticsearch in this process, or a real one (--elasticsearch), where the run "
        "has a namespace of its own, and its data stream is deleted in the end. A Tidegate that serves on this machine is not "
        f"touched, though it shares disk and processors.\n\nfaults:\n{faults}",
        examples=(
            ("tidegate prove", "half a minute or two: 20 kills and every fault"),
            ("tidegate prove --kill 200", "about ten minutes"),
            ("tidegate prove --kill 50 --target worker --faults lose-answers", "one kind of kill, one fault"),
            (
                "tidegate prove --elasticsearch https://es.example:9200 -c tidegate.yml",
                "with its credentials, which may read",
            ),
            ("tidegate prove --kill 12 --duration 1h --faults none", "a kill every five minutes"),
        ),
        exits={
            EXIT_OK: "proved",
            EXIT_FAILURE: "not proved: the output says what was lost, doubled or changed, or what did not come back",
            EXIT_USAGE: "wrong usage",
        },
    )
    parser.add_argument(
        "--kill",
        metavar="N",
        type=given.number(0, _MOST_KILLS),
        default=20,
        help="how many kills; %(default)s by default",
    )
    parser.add_argument("--target", choices=TARGETS, default="mixed", help="who is killed; %(default)s by default")
    parser.add_argument(
        "--faults",
        metavar="LIST",
        type=given.faults,
        default=tuple(Fault),
        help="names with commas, none, or all (default)",
    )
    parser.add_argument(
        "--elasticsearch", metavar="URL", help="a real one; then only the faults disk and freeze are to be had"
    )
    parser.add_argument(
        "--outage", metavar="PERIOD", type=parse_period, default=5.0, help="how long each fault lasts; 5s by default"
    )
    parser.add_argument(
        "--duration", metavar="PERIOD", type=parse_period, help="spread the kills over so much time, such as 10m"
    )
    parser.add_argument(
        "--rate",
        metavar="N",
        type=given.number(1, _MOST_RATE),
        default=600,
        help="events a second; %(default)s by default",
    )
    parser.add_argument(
        "--workers", metavar="N", type=given.number(1, _MOST_WORKERS), default=2, help="of the instance; 2 by default"
    )
    parser.add_argument(
        "--seed",
        metavar="HEX",
        type=given.seed,
        help="repeat the order of a run: the eight digits that its table shows",
    )
    parser.add_argument(
        "--folder", metavar="DIR", type=Path, help="where to put the data: on the disk that is to be shown to be good"
    )
    parser.add_argument("--keep", action="store_true", help="keep the data and the log; they are kept if it fails, too")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    add_settings_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Takes the steps and prints what became of each event; returns the exit code."""
    # Servers and clients, which no other command needs.
    from tidegate.cli.prove.one_run import prove  # noqa: PLC0415 - see above
    from tidegate.cli.setup_cluster import SetupFailed  # noqa: PLC0415 - see above

    if arguments.folder is not None and not arguments.folder.is_dir():
        print(f"--folder {safe(str(arguments.folder))} is no folder", file=sys.stderr)
        return EXIT_USAGE
    with _working_folder(arguments.folder) as (folder, keep):
        try:
            report = prove(arguments, folder)
        except SetupFailed as problem:
            print(safe(str(problem)), file=sys.stderr)
            return EXIT_FAILURE
        wrong = bool(report.wrong())
        print(json.dumps(report.as_json(), indent=2) if arguments.json else "\n".join(report.lines()))
        if wrong or arguments.keep:
            keep()
            print(f"data and log are kept in {safe(str(folder))}", file=sys.stderr)
    return EXIT_FAILURE if wrong else EXIT_OK


@contextmanager
def _working_folder(parent: Path | None) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A new folder, removed at the end unless the function that comes with it was called. SIGTERM ends as Ctrl-C does: what
    was started is ended first."""
    folder = Path(tempfile.mkdtemp(prefix="tidegate-prove-", dir=parent))
    kept = []
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield folder, lambda: kept.append(True)
    finally:
        signal.signal(signal.SIGTERM, before)
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
