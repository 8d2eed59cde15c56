"""From the keys about source maps to what acceptors and workers are told of them."""

from __future__ import annotations

from tidegate.daemon.settings import rum, source_maps
from tidegate.daemon.settings.parts import UploadPart
from tidegate.daemon.settings.values import Values


def maps_frames(values: Values) -> bool:
    """Whether stack frames of browsers are mapped."""
    return values[rum.ENABLED] and values[rum.SOURCE_MAPPING_ENABLED]


def upload_part(values: Values) -> UploadPart:
    """How an acceptor takes source maps."""
    return UploadPart(
        enabled=values[source_maps.UPLOAD],
        mapping=maps_frames(values),
        max_upload=values[source_maps.MAX_UPLOAD],
        max_map_size=values[rum.MAX_SOURCEMAP_SIZE],
    )
