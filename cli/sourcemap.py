"""`tidegate sourcemap`: puts source maps where stack traces of browsers are mapped with them, lists and removes them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import closing

from tidegate.cli.given import announced, note
from tidegate.cli.pages import SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.setup_identity import KEY_VARIABLE, PASSWORD_VARIABLE, NoPassword
from tidegate.cli.sourcemap_explain import add_explain
from tidegate.cli.sourcemap_place import SHOP, add_key, add_place, open_store, words
from tidegate.cli.sourcemap_upload import add_upload
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.workers.store.source_maps import WRITE_ROLE, MapStore, MapsUnavailable, NoPlaceYet, StoredMap

Work = Callable[[argparse.Namespace, MapStore], int]


class WrongUsage(Exception):
    """The arguments do not say what to do; the message says what is missing."""


def add_parser(subparsers: Subparsers) -> None:
    """Adds the subcommand and those below it."""
    parser = add_page(
        subparsers,
        "sourcemap",
        help="upload, list, delete or explain source maps of pages",
        text="With the source map of a minified script, stack traces of browsers show the original file, line and function. "
        "A map belongs to the service's name and version, exactly as the page gives them to the agent, and to the URL or path "
        "of the minified file.\n\n"
        "They are kept in Elasticsearch, where Elastic APM Server finds the same ones, or with the local store in a folder "
        "beside it. This command comes to Elasticsearch as apm-server.rum.source_mapping.elasticsearch and "
        f"output.elasticsearch say, unless --as names a user (password: ${PASSWORD_VARIABLE}, or asked for) or "
        f"${KEY_VARIABLE} holds a key.",
        examples=(
            (
                f"tidegate sourcemap upload dist --bundle-root https://shop.example \\\n      {SHOP}",
                "all maps of a build",
            ),
            ("tidegate sourcemap list --service-name shop", "which there are"),
            ("tidegate sourcemap delete --service-name shop --service-version 1.1", "those of an old version"),
        ),
    )
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_upload(actions)
    _add_list(actions)
    _add_delete(actions)
    add_explain(actions)
    _add_role(actions)


def _add_list(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "list",
        help="which source maps there are",
        text="Lists source maps: when they were stored, the beginning of their hash, size as stored (where known), service, "
        "version, path.",
        examples=(("tidegate sourcemap list --service-name shop --json", "each in one line, for programs"),),
        files=(SETTINGS_FILES,),
    )
    add_key(parser)
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each map")
    _finish(parser, _list)


def _add_delete(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "delete",
        help="remove source maps",
        text="Removes the map of a service, version and path, or all of a service, or of one version. More than one are "
        "removed only when --count, or the answer to the question, says how many. What is stored already stays mapped.",
        examples=(
            (
                "tidegate sourcemap delete --service-name shop --service-version 1.1 \\\n      --count 12",
                "an old version",
            ),
        ),
        files=(SETTINGS_FILES,),
    )
    add_key(parser)
    parser.add_argument("--bundle-filepath", metavar="URL", default="", help="that one, as `list` shows it")
    parser.add_argument("--count", metavar="N", type=int, help="remove that many, or none if there are more or fewer")
    _finish(parser, _delete)


def _add_role(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "role",
        help="print what storing maps takes in Elasticsearch",
        text="Prints the least role for storing and removing source maps, as JSON: for the user of this command, and for "
        "Tidegate's own where it is to take uploads. To apply them it needs to read only, and has that by the role of "
        "`tidegate setup --print-role`.",
        examples=(("tidegate sourcemap role", "the body of PUT /_security/role/NAME"),),
    )
    parser.set_defaults(run=_role)


def _finish(parser: argparse.ArgumentParser, work: Work) -> None:
    add_place(parser)

    def run(arguments: argparse.Namespace) -> int:
        try:
            with closing(open_store(announced(arguments), arguments.user)) as store:
                note(f"source maps: {store.where}")
                return work(arguments, store)
        except WrongUsage as problem:
            print(safe(str(problem)), file=sys.stderr)
            return EXIT_USAGE
        except (MapsUnavailable, NoPassword) as problem:
            print(safe(str(problem)), file=sys.stderr)
            return EXIT_FAILURE

    parser.set_defaults(run=run)


# ------------------------------------------------------------------------------------------------------------- commands


def _list(arguments: argparse.Namespace, store: MapStore) -> int:
    found = _chosen(arguments, store)
    for one in found:
        if arguments.json:
            print(json.dumps({**words(one.key), "sha256": one.sha256, "created": one.created, "bytes": one.size}))
        else:
            size = "" if one.size is None else f"{-(-one.size // 1024)} KiB"
            key = one.key
            text = f"{one.created[:16]:<16} {one.sha256[:12]:<12} {size:>9}  {key.service}  {key.version}  {key.path}"
            print(safe(text))
    if not found:
        note("no source maps: `tidegate sourcemap upload` stores some")
    return EXIT_OK


def _delete(arguments: argparse.Namespace, store: MapStore) -> int:
    if not arguments.service_name:
        raise WrongUsage("which? Name --service-name, and --service-version and --bundle-filepath where it is not all")
    chosen = [one for one in _chosen(arguments, store) if arguments.bundle_filepath in ("", one.key.path)]
    if not chosen:
        print("there is no such source map: `tidegate sourcemap list` shows those that there are", file=sys.stderr)
        return EXIT_FAILURE
    one_key = arguments.service_version and arguments.bundle_filepath
    if not one_key and arguments.count != len(chosen) and not _confirmed(chosen, arguments.count):
        print(f"nothing is removed: these are {len(chosen)}; say --count {len(chosen)}", file=sys.stderr)
        return EXIT_FAILURE
    for one in chosen:
        if store.delete(one.key):
            print(safe(f"removed: {one.key.service}  {one.key.version}  {one.key.path}"))
    return EXIT_OK


def _confirmed(chosen: list[StoredMap], count: int | None) -> bool:
    """Whether a person says the number of maps that are to go."""
    if count is not None or not sys.stdin.isatty():
        return False
    for one in chosen:
        print(safe(f"  {one.key.service}  {one.key.version}  {one.key.path}"), file=sys.stderr)
    print(f"to remove these {len(chosen)} source maps, type their number: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == str(len(chosen))


def _role(_: argparse.Namespace) -> int:
    print(json.dumps(WRITE_ROLE, indent=2))
    return EXIT_OK


def _chosen(arguments: argparse.Namespace, store: MapStore) -> list[StoredMap]:
    """The maps of the service and version that were named, in order. Raises MapsUnavailable."""
    try:
        listing = store.maps()
    except NoPlaceYet:
        return []
    if listing.left_out:
        note(f"{listing.left_out} more are there than Tidegate looks at")
    return sorted(
        one
        for one in listing.maps
        if arguments.service_name in ("", one.key.service) and arguments.service_version in ("", one.key.version)
    )
