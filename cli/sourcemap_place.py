"""What the commands of `tidegate sourcemap` share: the arguments that name maps, and the place where maps are kept."""

from __future__ import annotations

import argparse
import os

from msgspec.structs import replace
from tidegate.cli.given import add_settings_arguments
from tidegate.cli.setup_identity import asking, identified
from tidegate.daemon.settings.effective import Settings
from tidegate.workers.store.map_opening import open_maps
from tidegate.workers.store.source_maps import MapKey, MapStore, MapsUnavailable

SHOP = "--service-name shop --service-version 1.2"
"""Of examples."""


def add_key(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Adds `--service-name` and `--service-version`."""
    parser.add_argument(
        "--service-name", metavar="NAME", default="", required=required, help="as the page gives it to its agent"
    )
    parser.add_argument("--service-version", metavar="TEXT", default="", required=required, help="likewise")


def add_place(parser: argparse.ArgumentParser) -> None:
    """Adds what says where maps are kept, and as whom to come there."""
    parser.add_argument("--as", dest="user", metavar="USER", default="", help="come to Elasticsearch as this user")
    add_settings_arguments(parser)


def open_store(settings: Settings, user: str) -> MapStore:
    """The place that the settings name. Raises NoPassword, MapsUnavailable."""
    part = settings.source_maps_part()
    if part.elasticsearch is not None:
        part = replace(part, elasticsearch=identified(part.elasticsearch, user, os.environ, asking()))
    try:
        return open_maps(part)
    except (OSError, ValueError) as problem:
        raise MapsUnavailable(f"apm-server.rum.source_mapping.elasticsearch: {problem}") from problem


def words(key: MapKey) -> dict[str, str]:
    """The key under the names that uploads have for it."""
    return {"service_name": key.service, "service_version": key.version, "bundle_filepath": key.path}
