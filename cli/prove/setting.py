"""How the instance is set up: the user's settings where they were named, and over them what makes it prove's own."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from tidegate.cli.given import quoted, settings_of
from tidegate.cli.prove.events import Events
from tidegate.daemon.settings.effective import Settings

_QUICK = {
    "apm-server.shutdown_timeout": "5s",
    "output.elasticsearch.flush_interval": "100ms",
    "output.elasticsearch.backoff.init": "100ms",
    "output.elasticsearch.backoff.max": "1s",
    "tidegate.elasticsearch.response_timeout": "20s",
    "tidegate.spool.segment_bytes": "1MiB",
    "tidegate.logging.requests": "errors",
}
"""Below the user's settings: shorter waits, and small segments, so that a short run sees many of their ends."""


def namespace_of(events: Events) -> str:
    """Of the data streams: those of this run, and nobody else's."""
    return f"prove{events.seed}"


def settings_with(arguments: argparse.Namespace, store_url: str) -> Settings:
    """The settings that were named, with this store: for its credentials and TLS. Raises SettingsError."""
    overrides = [*arguments.overrides, ("output.local.enabled", "false"), ("output.elasticsearch.hosts", store_url)]
    return settings_of(argparse.Namespace(**{**vars(arguments), "overrides": overrides}))


def words_of_instance(
    arguments: argparse.Namespace, folder: Path, port: int, store_url: str, namespace: str
) -> list[str]:
    """The arguments of the instance's `tidegate run`. Writes an empty settings file, so that none is found elsewhere."""
    empty = folder / "prove.yml"
    empty.write_text("{}\n")
    own = {
        "apm-server.host": f"127.0.0.1:{port}",
        "apm-server.ssl.enabled": "false",
        "apm-server.data_streams.namespace": namespace,
        "http.enabled": "false",
        "path.data": quoted(str(folder / "data")),
        "logging.to_files": "false",
        "logging.to_stderr": "true",
        "tidegate.workers": str(arguments.workers),
        "tidegate.acceptors": "1",
        "output.local.enabled": "false",
        "output.elasticsearch.hosts": store_url,
    }
    pairs = [*_QUICK.items(), *arguments.overrides, *own.items()]
    words = ["-c", str(arguments.config or empty)]
    return words + [word for key, value in pairs for word in ("-E", f"{key}={value}")]


def headers_of(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The credential for the instance, where the user's settings ask for one: from the variables that agents read."""
    if environ.get("ELASTIC_APM_API_KEY"):
        return {"Authorization": f"ApiKey {environ['ELASTIC_APM_API_KEY']}"}
    if environ.get("ELASTIC_APM_SECRET_TOKEN"):
        return {"Authorization": f"Bearer {environ['ELASTIC_APM_SECRET_TOKEN']}"}
    return {}


def filesystem_of(folder: Path) -> str:
    """The kind of filesystem that holds the folder, such as ext4; "unknown" where the kernel does not tell."""
    best, kind = "", "unknown"
    whole = str(folder.resolve())
    try:
        mounts = Path("/proc/self/mounts").read_text()
    except OSError:
        return kind
    for line in mounts.splitlines():
        _, place, found, *_ = line.split(" ")
        if (whole + "/").startswith(place.rstrip("/") + "/") and len(place) >= len(best):
            best, kind = place, found
    return kind
