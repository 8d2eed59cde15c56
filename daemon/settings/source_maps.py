"""`tidegate.sourcemaps.*`: uploads of source maps; how they are applied, `apm-server.rum.source_mapping` says (`rum.py`)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.declare import Applies, Section

SECTION = Section(
    "Source maps",
    "Uploads of source maps; [source-maps.md](source-maps.md) tells how. Where they are kept, and how large a map may be, "
    "`apm-server.rum.source_mapping` says.",
)

UPLOAD = SECTION.setting(
    "tidegate.sourcemaps.upload",
    kinds.boolean,
    True,
    "Whether `POST /assets/v1/sourcemaps` takes source maps, from senders with a secret token or an API key that has "
    "`sourcemap:write`. False: 404, as the original since 8.0.",
    applies=Applies.RELOAD,
)
MAX_UPLOAD = SECTION.setting(
    "tidegate.sourcemaps.max_upload",
    # three fields and a map of nothing must fit
    kinds.size(64 << 10),
    32 << 20,
    "Bytes of one upload as sent: compressed, where it is.",
    applies=Applies.RELOAD,
)
