"""`tidegate check`: whether a start would accept the settings, and with `--connect` whether Elasticsearch is ready."""

from __future__ import annotations

import argparse
import sys

from tidegate.cli.given import add_settings_arguments, announced, warn
from tidegate.cli.pages import SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.run import certificate_files
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.daemon.tls.context import CertificateError


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    parser = add_page(
        subparsers,
        "check",
        help="check the settings, and with --connect Elasticsearch",
        text="Checks the settings as a start would: every error and warning at once, each with its key, file and line. "
        "Opens no network connection, takes no lock, writes nothing; it may run beside the daemon.\n\n"
        "With --connect it also asks each Elasticsearch host whether it can be reached, whether the credentials are "
        "good and allow what Tidegate does, and whether data streams have templates. It stores nothing there.",
        examples=(
            ("tidegate check -c /etc/tidegate/tidegate.yml", "before a restart"),
            ("tidegate check --connect", "why does nothing arrive in Elasticsearch?"),
            ("validate: tidegate check -c %s", "in a task of Ansible that writes the file"),
        ),
        files=(SETTINGS_FILES,),
        exits={
            EXIT_OK: "a start would accept the settings (and, with --connect, nothing was found)",
            EXIT_FAILURE: "--connect found something, or it could not be looked at",
            EXIT_USAGE: "wrong usage",
            EXIT_SETTINGS: "the settings are invalid",
        },
    )
    parser.add_argument("--connect", action="store_true", help="also ask Elasticsearch")
    add_settings_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints `Config OK`, as the original does, and what Elasticsearch says; returns the exit code. Raises SettingsError."""
    settings = announced(arguments)
    warn(settings)
    if trouble := unusable_files(settings):
        print(f"error: {safe(trouble)}", file=sys.stderr)
        return EXIT_SETTINGS
    print("Config OK", flush=True)
    return _connect(settings) if arguments.connect else EXIT_OK


def unusable_files(settings: Settings) -> str:
    """What is wrong with certificates and keys, those for agents and those of the output; empty where nothing is."""
    files = certificate_files(settings)
    if files is not None:
        try:
            files.read()
        except CertificateError as problem:
            return str(problem)
    part = settings.worker_part(0).elasticsearch
    if part is None or not any(host.startswith("https:") for host in part.hosts):
        return ""
    from tidegate.workers.sinks.cluster_client import tls_context  # noqa: PLC0415 - the client takes a third of a second

    try:
        tls_context(part.tls)
    except (OSError, ValueError) as problem:
        named = getattr(problem, "filename", None)
        return (
            f"output.elasticsearch.ssl: {f'{named}: ' if named else ''}{getattr(problem, 'strerror', None) or problem}"
        )
    return ""


def _connect(settings: Settings) -> int:
    part = settings.worker_part(0).elasticsearch
    if part is None:
        print(f"events go to the local store {safe(str(settings.store_file))}: there is nothing to connect to")
        return EXIT_OK
    return _ask(part, settings)


def _ask(part: ElasticsearchPart, settings: Settings) -> int:
    from tidegate.cli.connect import examine  # noqa: PLC0415 - see above

    findings = 0
    for remark in examine(part, settings.acceptor_part().namespace):
        findings += remark.is_finding
        print(f"{remark.mark}: {safe(remark.text)}", flush=True)
    return EXIT_FAILURE if findings else EXIT_OK
