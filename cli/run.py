"""`tidegate run`: starts the daemon and stays until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import Callable

from tidegate.cli.agents import agent_url, environment_lines, listens_widely
from tidegate.cli.demo import DEFAULT_URL
from tidegate.cli.given import add_settings_arguments, settings_of
from tidegate.cli.pages import DATA_FOLDER, SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.terminal import safe, terminal_of
from tidegate.daemon import __version__
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE, StartError
from tidegate.daemon.plan import Fresh, Monitoring, Plan
from tidegate.daemon.renewal import start_anew
from tidegate.daemon.settings import monitoring, tidegate_section
from tidegate.daemon.settings.address import ListenAddress
from tidegate.daemon.settings.changes import take_up
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.supervisor import Supervisor
from tidegate.daemon.telemetry.logs import set_up_logging
from tidegate.daemon.tls.files import CertificateFiles

log = logging.getLogger("tidegate")

_PROFILERS = ("httpprof", "cpuprofile", "memprofile")
_PUBLISH_NOTHING = (
    "-N: there is no way to take events in and throw them away: give an output to experiment with, such as"
    " -E output.local.enabled=true --path.data DIR"
)


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "run",
        help="take in events until stopped",
        text="Takes in events until it is stopped. Without a settings file they go to a local store, on "
        "127.0.0.1:8200.\n\n"
        "SIGTERM or Ctrl-C ends it: requests in flight are finished within apm-server.shutdown_timeout, and what is "
        "not sent by then stays on disk for the next start. SIGHUP reads the settings again, as tidegate reload does.",
        examples=(
            ("tidegate run", "a first look"),
            ("tidegate run -c /etc/tidegate/tidegate.yml", "as a service does it"),
            ("tidegate run -E output.elasticsearch.hosts=https://es.example:9200", "one setting, without a file"),
        ),
        exits={
            EXIT_OK: "stopped, as it was told",
            EXIT_FAILURE: "could not start or go on: a port or a folder in use, no permission",
            EXIT_USAGE: "wrong usage",
            EXIT_SETTINGS: "the settings are invalid, or do not fit the sockets that systemd passed; it listened nowhere",
        },
        files=(SETTINGS_FILES, DATA_FOLDER),
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def flags() -> argparse.ArgumentParser:
    """A parser that knows the flags of `run`, and nothing else."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_arguments(parser)
    return parser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `run`: settings, and what the original has and has no meaning here."""
    add_settings_arguments(parser, in_full=True)
    parser.add_argument("-N", dest="publish_nothing", action="store_true", help=argparse.SUPPRESS)
    for name in _PROFILERS:
        parser.add_argument(f"--{name}", metavar="VALUE", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Runs the daemon; returns the exit code: 0 after a stop, 1 when it could not start or go on. Raises SettingsError."""
    if arguments.publish_nothing:
        print(_PUBLISH_NOTHING, file=sys.stderr)
        return EXIT_USAGE
    settings = settings_of(arguments)
    set_up_logging(settings.logging_part(), "supervisor")
    log.info("tidegate %s: events go to %s", __version__, destination(settings))
    log.info("settings: %s; data: %s", settings.source or "defaults and command line", settings.path_data)
    for name in _PROFILERS:
        if getattr(arguments, name) is not None:
            log.warning("--%s has no effect: it is about the original's program", name)
    if arguments.environment:
        log.debug("--environment %s has no effect: where logs go is seen, not told", arguments.environment)
    for warning in settings.warnings:
        log.warning("%s", warning)
    for alarm in settings.alarms:
        log.error("%s", alarm)
    code, sockets = asyncio.run(_supervise(plan_of(settings, lambda: settings_of(arguments))))
    if sockets is not None:
        # Where the address has changed since the start, its sockets are not those that the new program wants.
        start_anew(sockets if settings_of(arguments).listen == settings.listen else [])
    return code


async def _supervise(plan: Plan) -> tuple[int, list[socket.socket] | None]:
    """The exit code; with sockets it is to start anew, see `Supervisor.to_start_anew`."""
    supervisor = Supervisor(plan)
    try:
        supervisor.start()
    except StartError as problem:
        log.error("Tidegate cannot start: %s", problem)
        return problem.exit_code, None
    return await supervisor.run(), supervisor.to_start_anew


def plan_of(settings: Settings, load: Callable[[], Settings]) -> Plan:
    """What the supervisor needs of the settings; `load` reads them again."""
    return Plan(
        addresses=settings.listen,
        path_data=settings.path_data,
        runtime_directory=str(settings.runtime_folder) if settings.runtime_folder else None,
        shutdown_timeout=settings.shutdown_timeout,
        logging=settings.logging_part(),
        acceptors=[settings.acceptor_part()] * settings.acceptors,
        workers=[settings.worker_part(number) for number in range(settings.workers)],
        read_again=lambda: read_again(settings, load),
        certificates=certificate_files(settings),
        serving=lambda: _tell_serving(settings),
        monitoring=monitoring_of(settings),
    )


def monitoring_of(settings: Settings) -> Monitoring:
    """Which ports there are beside the intake port."""
    original = None
    if settings[monitoring.HTTP_ENABLED]:
        original = ListenAddress(settings[monitoring.HTTP_HOST], settings[monitoring.HTTP_PORT])
    part = settings.acceptor_part()
    return Monitoring(
        admin=settings[tidegate_section.ADMIN_HOST],
        original=original,
        version=part.version,
        hostname=part.hostname,
        output=settings.sink_name,
        rum=part.browsers.enabled,
        api_keys=part.auth.api_keys,
        tls=part.tls is not None,
    )


def read_again(running: Settings, load: Callable[[], Settings]) -> Fresh:
    """Fresh settings, as far as they can be in force without a restart. Raises SettingsError."""
    fresh = load()
    changes = take_up(running, fresh)
    return Fresh(
        plan_of(changes.settings, load),
        [str(change) for change in changes.applied],
        [str(change) for change in changes.waiting],
        fresh.warnings,
        fresh.alarms,
    )


def certificate_files(settings: Settings) -> CertificateFiles | None:
    """The files that agents are shown; None without TLS."""
    source, policy = settings.certificate_source(), settings.acceptor_part().tls
    return CertificateFiles(source, policy) if source and policy else None


def _tell_serving(settings: Settings) -> None:
    log.info("serving on %s", ", ".join(str(address) for address in settings.listen))
    if settings.machine.terminal and settings.logging_part().format == "human":
        terminal = terminal_of(sys.stderr)
        text = "\n".join(safe(line) for line in welcome(settings))
        print(f"\n{terminal.paint(text, 'bold')}\n", file=sys.stderr, flush=True)


def welcome(settings: Settings) -> list[str]:
    """For a person at a terminal: the address, where events go, what an agent needs, what to do next."""
    lines = [
        f"  Address   {agent_url(settings)}",
        f"  Events    {destination(settings)}",
        *(f"  {head}{line}" for head, line in zip(("Agents    ", *_ROOM), environment_lines(settings), strict=False)),
    ]
    if settings.sink_name == "local" and not listens_widely(settings) and not settings.listen[0].path:
        where = "" if agent_url(settings) == DEFAULT_URL else f" --url {agent_url(settings)}"
        lines.append(f"  Try it    tidegate demo{where}, then tidegate traces, in another terminal")
    return [*lines, "  Stop      Ctrl-C"]


_ROOM = (" " * 10,) * 9
"""Before the second line of a paragraph, and those after it."""


def destination(settings: Settings) -> str:
    """Where events go, for the first line of every start."""
    if settings.sink_name == "local":
        return f"the local store {settings.store_file}"
    part = settings.worker_part(0).elasticsearch
    return f"Elasticsearch at {', '.join(part.hosts)}" if part else "nowhere"
