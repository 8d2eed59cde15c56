"""The command `tidegate-load`."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop
from tidegate.daemon import __version__
from tidegate.loadtest.page import page
from tidegate.loadtest.profiles import PROFILES, Body, read_mix
from tidegate.loadtest.result import Result, ResultError, read_result, write_result
from tidegate.loadtest.runner import Plan, run
from tidegate.loadtest.tally import Tally
from tidegate.loadtest.target import Target, TargetError, find_target
from tidegate.loadtest.usage import find_server
from tidegate.loadtest.words import comparison, progress_line, summary

EXIT_OK, EXIT_NOTHING_ACCEPTED, EXIT_USAGE = 0, 1, 2
LONGEST_S = 86_400
MOST_CONNECTIONS = 20_000
MOST_RATE = 1_000_000
QUIET_S = 10
"""Between two lines of progress where nobody watches."""
SPARE_FILES = 64
"""Descriptors beside those of connections."""
TOKEN, KEY = "TIDEGATE_LOAD_SECRET_TOKEN", "TIDEGATE_LOAD_API_KEY"


class _Unusable(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 when events were accepted, 1 when none was, 2 for a request that makes no sense."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        if given.compare:
            sys.stdout.write(comparison(*(read_result(_read(path), str(path)) for path in given.compare)))
            return EXIT_OK
        plan = _plan(given)
        result = uvloop.run(run(plan, _progress(plan.duration, quiet=given.quiet)))
    except (_Unusable, TargetError, ResultError) as problem:
        sys.stderr.write(f"tidegate-load: {problem}\n")
        return EXIT_USAGE
    except KeyboardInterrupt:
        sys.stderr.write("\ntidegate-load: interrupted, no result\n")
        return 130
    _clear_line(quiet=given.quiet)
    sys.stdout.write(summary(result))
    return _keep(result, given.json, given.html)


def _keep(result: Result, json_file: Path | None, html_file: Path | None) -> int:
    try:
        if json_file:
            json_file.write_bytes(write_result(result))
        if html_file:
            html_file.write_text(page(result), encoding="utf-8")
    except OSError as problem:
        sys.stderr.write(f"tidegate-load: the result cannot be written: {problem}\n")
        return EXIT_USAGE
    return EXIT_OK if result.accepted else EXIT_NOTHING_ACCEPTED


def _parser() -> argparse.ArgumentParser:
    profiles = "\n".join(f"  {name:<8}  {profile.help}" for name, profile in PROFILES.items())
    parser = argparse.ArgumentParser(
        prog="tidegate-load",
        description="Sends what APM agents send to a server of their protocol, and says how it took it.",
        epilog=f"profiles:\n{profiles}\n\ncredentials come from the environment, where no other user sees them: {TOKEN} or {KEY}\n"
        "exit codes: 0 events were accepted, 1 none was, 2 usage",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8200", help="the server (%(default)s)")
    parser.add_argument(
        "--profile", choices=PROFILES, default="backend", metavar="NAME", help="what is sent (%(default)s)"
    )
    parser.add_argument(
        "--rate", type=float, metavar="EVENTS",
        help="events a second, whatever the server does (open loop); without it each client waits for its answer (closed loop)",
    )  # fmt: skip
    parser.add_argument("--duration", type=float, default=30, metavar="S", help="seconds (%(default)g)")
    parser.add_argument("--connections", type=int, default=8, metavar="N", help="clients at a time (%(default)s)")
    parser.add_argument("--events", type=int, metavar="N", help="events of one request (by profile: 4 to 100)")
    parser.add_argument(
        "--mix", type=Path, metavar="DIR", help="send the bodies of a folder of *.gz in place of made-up ones"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="the same seed sends the same events (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a report with plots, one self-contained file")
    parser.add_argument(
        "--compare", nargs=2, type=Path, metavar=("A", "B"), help="compare two results (JSON) and send nothing"
    )
    parser.add_argument("--pid", type=int, help="the server's process; without it that which listens on the port")
    parser.add_argument("--ca-file", metavar="FILE", help="certificate authority of a server with TLS")
    parser.add_argument(
        "--i-own-this-target", action="store_true", dest="owned", help="needed for any other target than this machine"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--version", action="version", version=f"tidegate-load {__version__}")
    return parser


def _plan(given: argparse.Namespace) -> Plan:
    for name, value, most in (
        ("--duration", given.duration, LONGEST_S),
        ("--connections", given.connections, MOST_CONNECTIONS),
        ("--rate", given.rate, MOST_RATE),
        ("--events", given.events, 10_000),
    ):
        if value is not None and not 0 < value <= most:
            raise _Unusable(f"{name} is more than 0 and at most {most}, not {value:g}")
    groups = PROFILES[given.profile].groups
    if given.rate and not any(group.paced for group in groups):
        raise _Unusable(f"--rate: clients of the profile {given.profile} have a pace of their own")
    target = find_target(given.url, owned=given.owned, authority=given.ca_file, credential=_credential())
    _make_room(given.connections)
    return Plan(
        target,
        given.profile,
        groups,
        given.rate,
        given.duration,
        given.connections,
        given.seed,
        given.events,
        _mix(given.mix),
        given.pid or _server_of(target),
    )


def _server_of(target: Target) -> int | None:
    return find_server(target.port)


def _credential() -> str | None:
    if key := os.environ.get(KEY):
        return f"ApiKey {key}"
    if token := os.environ.get(TOKEN):
        return f"Bearer {token}"
    return None


def _mix(folder: Path | None) -> list[Body] | None:
    if folder is None:
        return None
    try:
        return read_mix(folder)
    except (OSError, ValueError, EOFError) as problem:
        raise _Unusable(f"--mix: {problem}") from problem


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise _Unusable(f"--compare: {path}: {problem.strerror}") from problem


def _make_room(connections: int) -> None:
    """Descriptors for so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE_FILES
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise _Unusable(
                f"--connections {connections} takes {wanted} open files; this shell allows {hard} (ulimit -n)"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _progress(duration: float, *, quiet: bool) -> Callable[[float, list[Tally]], None]:
    """On a terminal one line that is written over; elsewhere a line every ten seconds."""
    terminal = sys.stderr.isatty()

    def show(elapsed: float, tallies: list[Tally]) -> None:
        if quiet:
            return
        line = progress_line(elapsed, duration, tallies)
        if terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[K{line[:width]}")
        elif int(elapsed) % QUIET_S == 0:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    return show


def _clear_line(*, quiet: bool) -> None:
    if not quiet and sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


if __name__ == "__main__":
    sys.exit(main())
