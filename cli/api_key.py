"""`tidegate api-key`: makes, lists and revokes the keys that agents send, in Elasticsearch or beside the local store."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from tidegate.cli.given import add_settings_arguments, announced, note
from tidegate.cli.key_stores import KeyStore, KeyStoreFailed, MadeKey, open_key_store
from tidegate.cli.pages import Subparsers, add_page
from tidegate.cli.setup_identity import KEY_VARIABLE, PASSWORD_VARIABLE
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK
from tidegate.daemon.settings import auth
from tidegate.daemon.settings.effective import Settings

PRIVILEGES = {"event": "event:write", "config": "config_agent:read", "sourcemap": "sourcemap:write"}
"""What a key may be for → the privilege."""
_USUAL = ("event", "config")
"""What an agent needs."""

Work = Callable[[argparse.Namespace, KeyStore], int]


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand and those below it."""
    parser = add_page(
        subparsers,
        "api-key",
        help="make, list or revoke API keys for agents",
        text="API keys let agents in where apm-server.auth.api_key.enabled is true. With the local store they are kept, hashed, "
        "in the data folder; with Elasticsearch they are API keys of the cluster, as Kibana makes them.\n\n"
        f"It comes to Elasticsearch as the settings say, unless --as names a user (password: ${PASSWORD_VARIABLE}, or asked "
        f"for) or ${KEY_VARIABLE} holds a key; that takes the cluster privilege manage_own_api_key.",
        examples=(
            ("tidegate api-key create shop", "one for the agents of a service"),
            ("tidegate api-key create ci --for sourcemap", "one that may upload source maps, and nothing else"),
        ),
    )
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    create = add_page(
        actions,
        "create",
        help="make a key and print it",
        text="Makes a key and prints it on standard output, once: nobody can look it up later.",
        examples=(("export ELASTIC_APM_API_KEY=$(tidegate api-key create shop)", "for an agent"),),
    )
    create.add_argument("name", metavar="NAME", help="what it is called in lists")
    create.add_argument(
        "--for",
        dest="purposes",
        metavar="WHAT",
        choices=tuple(PRIVILEGES),
        action="append",
        help=f"what it is for: {', '.join(PRIVILEGES)}; may be given again. {' and '.join(_USUAL)} by default",
    )
    _finish(create, _create)
    listing = add_page(
        actions,
        "list",
        help="keys that are in force",
        text="Lists keys for APM that are in force: id, when it was made, what it may do, name.",
        examples=(("tidegate api-key list", "all"),),
    )
    _finish(listing, _list)
    revoke = add_page(
        actions,
        "revoke",
        help="take keys back",
        text="Takes keys back for good. A running Tidegate may accept them for another minute.",
        examples=(("tidegate api-key revoke 3mVqTokBhGzN", "one of `tidegate api-key list`"),),
    )
    revoke.add_argument("ids", metavar="ID", nargs="+", help="as `list` shows it")
    _finish(revoke, _revoke)


def _finish(parser: argparse.ArgumentParser, work: Work) -> None:
    parser.add_argument("--as", dest="user", metavar="USER", default="", help="come to Elasticsearch as this user")
    add_settings_arguments(parser)

    def run(arguments: argparse.Namespace) -> int:
        settings = announced(arguments)
        try:
            store = open_key_store(settings, arguments.user, os.environ)
        except KeyStoreFailed as problem:
            print(safe(str(problem)), file=sys.stderr)
            return EXIT_FAILURE
        try:
            code = work(arguments, store)
        except KeyStoreFailed as problem:
            print(safe(str(problem)), file=sys.stderr)
            return EXIT_FAILURE
        finally:
            store.close()
        _remind(settings)
        return code

    parser.set_defaults(run=run)


def _create(arguments: argparse.Namespace, store: KeyStore) -> int:
    made = store.create(arguments.name, [PRIVILEGES[purpose] for purpose in arguments.purposes or _USUAL])
    print(made.encoded)
    note(
        f"key {safe(made.id)}: this is the only time that it is shown. To take it back: tidegate api-key revoke {made.id}"
    )
    return EXIT_OK


def _list(arguments: argparse.Namespace, store: KeyStore) -> int:
    found = sorted(store.keys(), key=_age)
    for key in found:
        made = datetime.fromtimestamp(key.created, UTC).strftime("%Y-%m-%d %H:%M")
        print(f"{safe(key.id):<22} {made}  {', '.join(key.privileges):<44} {safe(key.name)}".rstrip())
    if not found:
        note("no keys: `tidegate api-key create NAME` makes one")
    return EXIT_OK


def _age(key: MadeKey) -> tuple[int, str]:
    return key.created, key.id


def _revoke(arguments: argparse.Namespace, store: KeyStore) -> int:
    gone = store.revoke(arguments.ids)
    for key_id in gone:
        print(f"{safe(key_id)} is revoked")
    absent = [key_id for key_id in arguments.ids if key_id not in gone]
    for key_id in absent:
        print(f"there is no key {json.dumps(key_id)} in force", file=sys.stderr)
    return EXIT_FAILURE if absent else EXIT_OK


def _remind(settings: Settings) -> None:
    if not settings[auth.API_KEY_ENABLED]:
        note(f"API keys are not accepted yet: set {auth.API_KEY_ENABLED.key}: true")
