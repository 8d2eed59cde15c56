"""`tidegate sourcemap explain`: why a frame is, or is not, mapped."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

from tidegate.cli.given import announced, note
from tidegate.cli.pages import SETTINGS_FILES, Subparsers, add_page
from tidegate.cli.setup_identity import NoPassword
from tidegate.cli.sourcemap_place import SHOP, add_key, add_place, open_store, words
from tidegate.cli.terminal import safe
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, EXIT_USAGE
from tidegate.daemon.settings import rum
from tidegate.daemon.settings.effective import Settings
from tidegate.workers.source_maps.catalogue import Catalogue
from tidegate.workers.source_maps.nearest import Near, nearest
from tidegate.workers.source_maps.parsed import ParsedMap
from tidegate.workers.source_maps.paths import Lookup, cleaned, lookup_of
from tidegate.workers.source_maps.unmapped import Note, read_notes
from tidegate.workers.store.source_maps import Listing, MapKey, MapStore, MapsUnavailable, MapUnusable, NoPlaceYet

SHOWN = 10
"""Files of which frames were not mapped; the last ones."""


class Frame(NamedTuple):
    """What is to be explained."""

    service: str
    version: str
    path: str
    line: int | None = None
    column: int | None = None


class Explained(NamedTuple):
    """What was found out."""

    frame: Frame
    lookup: Lookup
    key: MapKey | None
    """Of the stored map that serves it."""
    result: str
    """Why it is not mapped, or where it is mapped to."""
    mapped: bool
    near: list[Near]


def add_explain(actions: Subparsers) -> None:
    """Adds the command."""
    parser = add_page(
        actions,
        "explain",
        help="why stack frames are not mapped",
        text="Says for a frame which source maps are looked for, in which order, whether one is stored, and which stored ones "
        "come nearest and how they differ. With --line and --column it applies the map. Without a frame it explains the last "
        "ones that no map fitted; the running Tidegate notes them within half a minute.",
        examples=(
            ("tidegate sourcemap explain", "the last frames that were not mapped"),
            (
                f"tidegate sourcemap explain {SHOP} \\\n      --path https://shop.example/app.js --line 1 --column 24310",
                "one frame, as the error shows it",
            ),
        ),
        files=(SETTINGS_FILES,),
    )
    add_key(parser)
    parser.add_argument("--path", metavar="URL", default="", help="abs_path of the frame, as the browser sent it")
    parser.add_argument("--line", metavar="N", type=int, help="its line, from 1")
    parser.add_argument("--column", metavar="N", type=int, help="its column")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each frame")
    add_place(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if bool(arguments.service_name) != bool(arguments.path) or (arguments.line is None) != (arguments.column is None):
        print(
            "which frame? Name --service-name, --service-version and --path, and perhaps --line and --column; or nothing, for "
            "the last frames that were not mapped",
            file=sys.stderr,
        )
        return EXIT_USAGE
    settings = announced(arguments)
    _warn(settings)
    try:
        frames = _frames(arguments, settings.unmapped_files)
        with closing(open_store(settings, arguments.user)) as store:
            note(f"source maps: {store.where}")
            explained = _explain(frames, store, settings[rum.MAX_SOURCEMAP_SIZE])
    except (MapsUnavailable, NoPassword, OSError, ValueError) as problem:
        print(safe(str(problem)), file=sys.stderr)
        return EXIT_FAILURE
    for one in explained:
        _print(one, as_json=arguments.json)
    if not explained:
        note("no frames were noted that no source map fitted")
    return EXIT_OK if all(one.mapped for one in explained) else EXIT_FAILURE


def _warn(settings: Settings) -> None:
    """Says what keeps all frames from being mapped."""
    for switch in (rum.ENABLED, rum.SOURCE_MAPPING_ENABLED):
        if not settings[switch]:
            note(f"no frames are mapped at all: {switch.key} is false")


def _frames(arguments: argparse.Namespace, folder: Path) -> list[Frame]:
    """Raises OSError, ValueError."""
    if arguments.path:
        return [
            Frame(arguments.service_name, arguments.service_version, arguments.path, arguments.line, arguments.column)
        ]
    notes = [one for file in sorted(folder.glob("*.json")) for one in read_notes(file)]
    last: dict[tuple[str, str, str], Note] = {}
    for one in sorted(notes, key=lambda note: note.last):
        last[one.service, one.version, one.path] = one
    return [Frame(*key) for key in list(last)[: -SHOWN - 1 : -1]]


def _explain(frames: list[Frame], store: MapStore, largest: int) -> list[Explained]:
    """Raises MapsUnavailable."""
    try:
        listing = store.maps()
    except NoPlaceYet as problem:
        note(str(problem))
        listing = Listing([])
    catalogue = Catalogue(listing.maps)
    return [_explain_one(frame, catalogue, store, largest) for frame in frames]


def _explain_one(frame: Frame, catalogue: Catalogue, store: MapStore, largest: int) -> Explained:
    lookup = lookup_of(cleaned(frame.path))
    if not frame.version:
        text = "the frames carry no service.version, and without one nothing is mapped: set serviceVersion in the page's agent"
        return Explained(frame, lookup, None, text, False, [])
    key = catalogue.find(frame.service, frame.version, lookup)
    if key is None:
        near = nearest(frame.service, frame.version, lookup, catalogue.hashes)
        return Explained(frame, lookup, None, _advice(frame, lookup, catalogue), False, near)
    try:
        content = store.content(key, largest)
        if content is None:
            return Explained(frame, lookup, key, "the map has just been removed", False, [])
        read = ParsedMap(content)
    except MapUnusable as problem:
        return Explained(frame, lookup, key, f"the map cannot be used: {problem}", False, [])
    if frame.line is None or frame.column is None:
        return Explained(frame, lookup, key, "the map is stored and can be read", True, [])
    place = read.locate(frame.line, frame.column)
    if place is None:
        text = "the map has nothing for this line and column: is it of the build that is served?"
        return Explained(frame, lookup, key, text, False, [])
    context = read.context(place)
    where = f"{place.source or '(no source named)'}, line {place.line}, column {place.column}"
    text = where if context is None else f"{where}: {context.line.strip()}"
    return Explained(frame, lookup, key, text, True, [])


def _advice(frame: Frame, lookup: Lookup, catalogue: Catalogue) -> str:
    if not catalogue.hashes:
        return "no source map is stored at all"
    path = lookup.paths[1] if len(lookup.paths) > 1 else lookup.paths[0]
    return (
        "none of these is stored for this service and version. To store it:\n"
        f"  tidegate sourcemap upload --service-name {quote(frame.service)} --service-version {quote(frame.version)} "
        f"--bundle-filepath {quote(path)} FILE.map"
    )


def _print(one: Explained, *, as_json: bool) -> None:
    frame = one.frame
    if as_json:
        print(json.dumps(_as_json(one)))
        return
    print(f"{safe(frame.service)}  {safe(frame.version)}  {safe(frame.path)}")
    print("  looked for, in this order:")
    for path in one.lookup.paths:
        print(f"    {safe(path)}")
    if one.key is not None:
        print(f"  stored: {safe(one.key.path)}")
    for line in one.result.splitlines():
        print(f"  {safe(line)}")
    if one.near:
        print("  nearest:")
    for near in one.near:
        print(f"    {safe('  '.join(near.key))}")
        for difference in near.differences:
            print(f"      {safe(difference)}")


def _as_json(one: Explained) -> dict[str, Any]:
    return {
        **words(MapKey(one.frame.service, one.frame.version, one.frame.path)),
        "looked_for": list(one.lookup.paths),
        "stored": one.key and one.key.path,
        "mapped": one.mapped,
        "result": one.result,
        "nearest": [{**words(near.key), "differences": near.differences} for near in one.near],
    }
