"""Which place for source maps the settings name."""

from __future__ import annotations

from pathlib import Path

from tidegate.daemon.settings.parts import SourceMapsPart
from tidegate.workers.store.local_maps import LocalMaps
from tidegate.workers.store.source_maps import MapStore


def open_maps(part: SourceMapsPart) -> MapStore:
    """The place. Raises OSError, ValueError for TLS settings that cannot be used."""
    if part.elasticsearch is None:
        return LocalMaps(Path(part.folder))
    # Only where it is used: the client takes 30 MiB and a third of a second.
    from tidegate.workers.store.cluster_maps import ClusterMaps  # noqa: PLC0415 - see above

    return ClusterMaps(part.elasticsearch)
