"""`apm-server.rum.*`: browsers and source maps (http-surface.md 5.1, 5.5)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.client import declare_client
from tidegate.daemon.settings.declare import Gate, Section, Warned

SECTION = Section("Browsers (RUM)", "Not built yet: the paths for browsers answer 404.")

_NOT_BUILT = Warned("RUM endpoints are not built yet: they answer 404, and browsers' events are lost")
_SWITCH = Gate("apm-server.rum.enabled", on_by_section=False)

ENABLED = SECTION.setting("apm-server.rum.enabled", kinds.boolean, False, "Whether browsers may send.", fate=_NOT_BUILT)
ALLOW_ORIGINS = SECTION.setting(
    "apm-server.rum.allow_origins",
    kinds.texts,
    ("*",),
    "Origins of pages that may send, `*` for any run of characters.",
    fate=_NOT_BUILT,
    gate=_SWITCH,
)
ALLOW_HEADERS = SECTION.setting(
    "apm-server.rum.allow_headers",
    kinds.texts,
    (),
    "Further headers that pages may send.",
    fate=_NOT_BUILT,
    gate=_SWITCH,
)
RESPONSE_HEADERS = SECTION.setting(
    "apm-server.rum.response_headers",
    kinds.headers,
    {},
    "Headers for answers to browsers.",
    fate=_NOT_BUILT,
    gate=_SWITCH,
    shown_default="none",
)
LIBRARY_PATTERN = SECTION.setting(
    "apm-server.rum.library_pattern",
    kinds.pattern("invalid library pattern regex"),
    "node_modules|bower_components|~",
    "Stack frames of libraries.",
    fate=_NOT_BUILT,
    gate=_SWITCH,
)
EXCLUDE_FROM_GROUPING = SECTION.setting(
    "apm-server.rum.exclude_from_grouping",
    kinds.pattern("invalid exclude from grouping regex"),
    "^/webpack",
    "Stack frames that do not count for the grouping of errors.",
    fate=_NOT_BUILT,
    gate=_SWITCH,
)
SOURCE_MAPPING_ENABLED = SECTION.setting(
    "apm-server.rum.source_mapping.enabled",
    kinds.boolean,
    True,
    "Whether source maps are applied.",
    fate=_NOT_BUILT,
    gate=_SWITCH,
)
SOURCE_MAPPING_TIMEOUT = SECTION.setting(
    "apm-server.rum.source_mapping.timeout",
    kinds.duration(),
    5.0,
    "Longest time to fetch the maps of a batch.",
    fate=_NOT_BUILT,
    gate=_SWITCH,
)
MAX_SOURCEMAP_SIZE = SECTION.setting(
    "apm-server.rum.source_mapping.max_sourcemap_size",
    kinds.size(1),
    500 << 20,
    "Largest source map, decompressed.",
    fate=_NOT_BUILT,
    gate=_SWITCH,
)
declare_client(SECTION, "apm-server.rum.source_mapping.elasticsearch", _NOT_BUILT, _SWITCH)
SECTION.group(
    "apm-server.rum.source_mapping.cache",
    "Of earlier versions.",
    Warned("the original does not read it any more"),
    _SWITCH,
)
SECTION.group(
    "apm-server.rum.source_mapping.index_pattern",
    "Of earlier versions.",
    Warned("the original does not read it any more"),
    _SWITCH,
)
