"""`tidegate sourcemap upload`: stores source maps, or sends them to a Tidegate."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from tidegate.cli.given import announced, note
from tidegate.cli.pages import SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.setup_identity import NoPassword
from tidegate.cli.sourcemap_client import KEY_VARIABLE, TOKEN_VARIABLE, NotSent, Server
from tidegate.cli.sourcemap_files import NothingToUpload, Upload, uploads
from tidegate.cli.sourcemap_place import SHOP, add_key, add_place, open_store, words
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.daemon.settings import rum
from tidegate.workers.store.map_check import check_map
from tidegate.workers.store.map_content import pack
from tidegate.workers.store.source_maps import MapKey, MapRefused, MapStore, MapsUnavailable

Keep = Callable[[MapKey, bytes], None]
"""Keeps a map; raises MapRefused, MapsUnavailable, NotSent."""


def add_upload(actions: Subparsers) -> None:
    parser = add_page(
        actions,
        "upload",
        help="store source maps",
        text="Stores source maps, in place of others of the same key. A folder stands for all maps of scripts in it and below; "
        "each belongs to --bundle-root, its place in the folder, and its name without .map.\n\n"
        "Without --server they go straight to where the settings say. With it they are sent to a Tidegate, as a build pipeline "
        f"does: ${KEY_VARIABLE} holds an API key that has sourcemap:write, or ${TOKEN_VARIABLE} the secret token.",
        examples=(
            (
                f"tidegate sourcemap upload dist/app.js.map \\\n      --bundle-filepath /static/app.js {SHOP}",
                "one map, for every host",
            ),
            (f"tidegate sourcemap upload dist --bundle-root https://shop.example \\\n      {SHOP}", "all of a build"),
            (
                f"tidegate sourcemap upload dist --bundle-root /static \\\n      --server https://apm.example {SHOP}",
                "by HTTP",
            ),
        ),
        files=(SETTINGS_FILES,),
    )
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a source map, or a folder of them")
    add_key(parser, required=True)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--bundle-filepath", metavar="URL", default="", help="URL or path of the one minified file")
    where.add_argument("--bundle-root", metavar="URL", default="", help="URL or path under which the files are served")
    parser.add_argument("--server", metavar="URL", default="", help="send them to this Tidegate")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each map")
    add_place(parser)
    parser.set_defaults(run=_upload)


def _upload(arguments: argparse.Namespace) -> int:
    try:
        chosen = uploads(
            arguments.files,
            arguments.service_name,
            arguments.service_version,
            arguments.bundle_filepath,
            arguments.bundle_root,
        )
        if arguments.server:
            server = Server(arguments.server, os.environ)
            note(f"source maps: {server.where}")
            return _keep_all(chosen, server.send, rum.MAX_SOURCEMAP_SIZE.default, as_json=arguments.json)
        settings = announced(arguments)
        with closing(open_store(settings, arguments.user)) as store:
            note(f"source maps: {store.where}")
            code = _keep_all(chosen, _keeper(store), settings[rum.MAX_SOURCEMAP_SIZE], as_json=arguments.json)
            if not settings[rum.ENABLED]:
                note(f"stack traces are not mapped yet: set {rum.ENABLED.key}: true")
            return code
    except NothingToUpload as problem:
        print(safe(str(problem)), file=sys.stderr)
        return EXIT_USAGE
    except (MapsUnavailable, NoPassword, NotSent) as problem:
        print(safe(str(problem)), file=sys.stderr)
        return EXIT_FAILURE


def _keeper(store: MapStore) -> Keep:
    def keep(key: MapKey, content: bytes) -> None:
        store.put(key, pack(content), datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"))

    return keep


def _keep_all(chosen: list[Upload], keep: Keep, largest: int, *, as_json: bool) -> int:
    """Keeps them one after the other; a bad one does not keep the others away, a store that is away does."""
    failed = 0
    for upload in chosen:
        error = ""
        size = 0
        try:
            content = _read(upload.file, largest)
            size = len(content)
            check_map(content)
            keep(upload.key, content)
        except (MapRefused, NotSent) as problem:
            error = str(problem)
            failed += 1
        _tell(upload, size, error, as_json=as_json)
    if failed:
        note(f"{failed} of {len(chosen)} source maps are not stored")
    return EXIT_FAILURE if failed else EXIT_OK


def _read(file: Path, largest: int) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(largest + 1)
    except OSError as problem:
        raise MapRefused(f"{problem.strerror}") from problem
    if len(content) > largest:
        raise MapRefused(f"it has more than {largest} bytes ({rum.MAX_SOURCEMAP_SIZE.key})")
    return content


def _tell(upload: Upload, size: int, error: str, *, as_json: bool) -> None:
    if as_json:
        line = {"file": str(upload.file), **words(upload.key), "bytes": size, "stored": not error}
        print(json.dumps(line | ({"error": error} if error else {})))
    elif error:
        print(safe(f"{upload.file}: {error}"), file=sys.stderr)
    else:
        print(safe(f"{upload.file}: stored for {upload.key.path}"))
