"""`tidegate setup`: gives the cluster the index templates that it lacks, and the daemon a key with the least rights."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from tidegate.cli.given import add_settings_arguments, announced, warn
from tidegate.cli.pages import SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.setup_identity import KEY_VARIABLE, PASSWORD_VARIABLE, NoPassword, asking, identified
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_SETTINGS, EXIT_USAGE
from tidegate.daemon.settings.effective import Settings
from tidegate.workers.setup.abilities import ALL
from tidegate.workers.setup.retention import DEFAULTS, FOREVER, wished
from tidegate.workers.setup.roles import RUN_ROLE, RUN_ROLE_NAME, SETUP_ROLE, SETUP_ROLE_NAME
from tidegate.workers.setup.streams import STREAMS
from tidegate.workers.setup.templates import all_templates, put_template

KEY_NAME = "tidegate"


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand."""
    usual = ", ".join(f"{group} {period}" for group, period in DEFAULTS.items())
    parser = add_page(
        subparsers,
        "setup",
        help="prepare an Elasticsearch cluster: templates, retention, roles",
        text="Gives a cluster the index templates for APM data that it lacks. Where the cluster has its own, as Elasticsearch "
        "8.15 and later have, it changes nothing; should they appear later, they win. Run it again at any time: it "
        "says what it changed, if anything.\n\n"
        f"It comes to Elasticsearch as the settings say, unless --as names a user (password: ${PASSWORD_VARIABLE}, or "
        f"asked for) or ${KEY_VARIABLE} holds a key (`id:key`). What it may do there: --print-setup-role.\n\n"
        f"Documents are kept, by group: {usual}.",
        examples=(
            ("tidegate setup --as elastic --dry-run", "what would it do?"),
            ("tidegate setup --as elastic", "do it"),
            ("tidegate setup --as elastic --retention traces=30d", "keep traces for 30 days; the rest stays"),
            ("tidegate setup --as elastic --create-api-key", "a key for output.elasticsearch.api_key"),
            ("tidegate setup --print | jq '.[].path'", "to apply by hand; asks no cluster"),
        ),
        exits={
            EXIT_OK: "done, or nothing to do",
            EXIT_FAILURE: "the cluster refused something, or something is in the way",
            EXIT_USAGE: "wrong usage",
            EXIT_SETTINGS: "the settings are invalid",
        },
        files=(SETTINGS_FILES,),
    )
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument(
        "--remove", action="store_true", help="take away the templates that `tidegate setup` made, and no others"
    )
    actions.add_argument("--print", action="store_true", help="print the requests as JSON, for a current Elasticsearch")
    actions.add_argument("--print-role", action="store_true", help="print the least role for running, as JSON")
    actions.add_argument(
        "--print-setup-role", action="store_true", help="print the least role for this command, as JSON"
    )
    actions.add_argument(
        "--create-api-key",
        metavar="NAME",
        nargs="?",
        const=KEY_NAME,
        default="",
        help=f"create an API key with the role for running, and print it (NAME: {KEY_NAME})",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument(
        "--retention",
        metavar="GROUP=PERIOD",
        action="append",
        default=[],
        help="keep documents of the group for 12h, 30d, 4w or "
        f"{FOREVER}, in data streams that are there, too; a PERIOD alone is for all groups but sampled; may be given again",
    )
    parser.add_argument("--as", dest="user", metavar="USER", default="", help="come as this user")
    add_settings_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Does what the arguments say; returns the exit code. Raises SettingsError."""
    try:
        periods = wished(arguments.retention)
    except ValueError as problem:
        print(f"--retention: {safe(str(problem))}", file=sys.stderr)
        return EXIT_USAGE
    if arguments.print_role:
        return _show(RUN_ROLE, f"apply it as PUT /_security/role/{RUN_ROLE_NAME}, or let --create-api-key use it")
    if arguments.print_setup_role:
        return _show(
            SETUP_ROLE, f"apply it as PUT /_security/role/{SETUP_ROLE_NAME}; it is for a person, not for the daemon"
        )
    if arguments.print:
        requests = [put_template(stream, body) for stream, body in all_templates(ALL, periods).items()]
        return _show(
            [request._asdict() for request in requests], f"{len(STREAMS)} requests, for Elasticsearch 8.13 or later"
        )
    settings = announced(arguments)
    warn(settings)
    return _with_cluster(settings, arguments, periods)


def _show(value: Any, hint: str) -> int:
    print(json.dumps(value, indent=2))
    print(hint, file=sys.stderr)
    return EXIT_OK


def _with_cluster(settings: Settings, arguments: argparse.Namespace, periods: dict[str, str]) -> int:
    part = settings.worker_part(0).elasticsearch
    if part is None:
        print(
            f"events go to the local store {safe(str(settings.store_file))}: there is no cluster to set up"
            " (-E output.elasticsearch.hosts=ADDRESS names one)",
            file=sys.stderr,
        )
        return EXIT_FAILURE
    # Only where it is used: the client takes a third of a second.
    from tidegate.cli import setup_actions  # noqa: PLC0415 - see above
    from tidegate.cli.setup_cluster import Cluster, SetupFailed  # noqa: PLC0415 - see above

    try:
        cluster = Cluster(identified(part, arguments.user, os.environ, asking()))
    except (NoPassword, SetupFailed) as problem:
        print(safe(str(problem)), file=sys.stderr)
        return EXIT_FAILURE
    dry = arguments.dry_run
    try:
        if arguments.create_api_key:
            return setup_actions.create_key(cluster, part, arguments.create_api_key, dry=dry)
        if arguments.remove:
            return setup_actions.remove(cluster, dry=dry)
        return setup_actions.apply(cluster, settings, periods, dry=dry)
    except SetupFailed as problem:
        print(safe(str(problem)), file=sys.stderr)
        return EXIT_FAILURE
    finally:
        cluster.close()
