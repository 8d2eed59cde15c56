"""`apm-server.rum.*` and `tidegate.rum.*`: browsers and source maps (http-surface.md 5.1, 5.5)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.client import declare_client
from tidegate.daemon.settings.declare import HONOURED, Applies, Gate, Section, Warned

SECTION = Section(
    "Browsers (RUM)", "Events that pages send; [browsers.md](browsers.md) tells how to set that up.", Applies.RELOAD
)

_SWITCH = Gate("apm-server.rum.enabled", on_by_section=False)

ENABLED = SECTION.setting(
    "apm-server.rum.enabled",
    kinds.boolean,
    False,
    "Whether browsers may send. Where not, they get a 403 that says so.",
)
ALLOW_ORIGINS = SECTION.setting(
    "apm-server.rum.allow_origins",
    kinds.texts,
    ("*",),
    "Origins of pages that may send, such as `https://shop.example`; `*` stands for any run of characters.",
    gate=_SWITCH,
)
ALLOW_HEADERS = SECTION.setting(
    "apm-server.rum.allow_headers",
    kinds.header_names,
    (),
    "Headers that pages may send beside `Content-Type`, `Content-Encoding` and `Accept`.",
    gate=_SWITCH,
)
RESPONSE_HEADERS = SECTION.setting(
    "apm-server.rum.response_headers",
    kinds.headers,
    {},
    "Headers for answers to browsers, beside those of `apm-server.response_headers`.",
    gate=_SWITCH,
    shown_default="none",
)
LIBRARY_PATTERN = SECTION.setting(
    "apm-server.rum.library_pattern",
    kinds.pattern("invalid library pattern regex"),
    "node_modules|bower_components|~",
    "Regular expression (RE2) for stack frames of libraries, looked for in `filename` and `abs_path`. Empty: frames stay "
    "as sent.",
    gate=_SWITCH,
)
EXCLUDE_FROM_GROUPING = SECTION.setting(
    "apm-server.rum.exclude_from_grouping",
    kinds.pattern("invalid exclude from grouping regex"),
    "^/webpack",
    "Regular expression (RE2) for stack frames that do not count for the grouping of errors, looked for in `filename`. "
    "Empty: all count.",
    gate=_SWITCH,
)
MATCH_ORIGINS = SECTION.setting(
    "tidegate.rum.match_origins",
    kinds.choice("text", "host"),
    None,
    "`text`: as the original does, a `*` in `allow_origins` stands for anything, so `http://localhost*` lets "
    "`http://localhost.evil.example` in. `host`: scheme, host and port are compared one by one, and `*` stands for the "
    "left-most labels of the host, or for any port.",
    gate=_SWITCH,
    shown_default="`text`; `host` with the profile `public`",
)
EXTRA_PATHS = SECTION.setting(
    "tidegate.rum.extra_paths",
    kinds.paths(16),
    (),
    "Further paths that take browsers' events, for `serverUrlPrefix` of the agent: ad blockers know the usual ones.",
    gate=_SWITCH,
)
SOURCE_MAPPING_ENABLED = SECTION.setting(
    "apm-server.rum.source_mapping.enabled",
    kinds.boolean,
    True,
    "Whether stored source maps are applied to stack frames; [source-maps.md](source-maps.md) tells how to store them.",
    gate=_SWITCH,
)
SOURCE_MAPPING_TIMEOUT = SECTION.setting(
    "apm-server.rum.source_mapping.timeout",
    kinds.duration(),
    5.0,
    "Longest time that events wait for source maps which are not in memory; then their frames stay as sent. 0: as long as "
    "fetching takes.",
    gate=_SWITCH,
)
MAX_SOURCEMAP_SIZE = SECTION.setting(
    "apm-server.rum.source_mapping.max_sourcemap_size",
    kinds.size(1),
    500 << 20,
    "Largest source map, decompressed.",
    gate=_SWITCH,
)
SOURCE_MAPPING_ELASTICSEARCH = declare_client(SECTION, "apm-server.rum.source_mapping.elasticsearch", HONOURED, _SWITCH)
SOURCE_MAP_MEMORY = SECTION.setting(
    "tidegate.rum.source_map_memory",
    kinds.size(1 << 20),
    64 << 20,
    "Bytes of source maps (of their JSON) that each worker keeps read, 128 maps at most; in memory they take two to three times "
    "as much. The one used last is kept whatever its size.",
    gate=_SWITCH,
)
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
