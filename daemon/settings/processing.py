"""`apm-server.aggregation.*`, `.sampling.*` and debug pages (http-surface.md 7.2, 9)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.client import declare_client
from tidegate.daemon.settings.declare import Gate, Section, Warned

SECTION = Section("Aggregation, sampling, debugging", "Metrics made from traces and tail sampling are not built yet.")

_NO_AGGREGATION = Warned(
    "metrics are not made from traces yet: pages of Kibana that need them (services, service map, transaction "
    "groups) stay empty or slow"
)
_NO_SAMPLING = Warned("tail sampling is not built: every trace will be stored")
_NO_PAGES = Warned(
    "debug pages are never served on the intake port, where they would be open to everybody; the path is 404. What runs is "
    "told on the admin socket, `admin.sock` in path.data, to this machine only"
)
TAIL = Gate("apm-server.sampling.tail.enabled")
_EXPVAR = Gate("apm-server.expvar.enabled", on_by_section=False)
_PPROF = Gate("apm-server.pprof.enabled", on_by_section=False)

for _key, _help in (
    ("max_services", "Services that are aggregated at a time; 0: by memory."),
    ("transactions.max_groups", "Groups of transactions; 0: by memory."),
    ("service_transactions.max_groups", "Groups of service and transaction type; 0: by memory."),
    ("service_destinations.max_groups", "Groups of service and destination; 0: by memory."),
):
    SECTION.setting(f"apm-server.aggregation.{_key}", kinds.integer(), 0, _help, fate=_NO_AGGREGATION)

TAIL_ENABLED = SECTION.setting(
    "apm-server.sampling.tail.enabled",
    kinds.boolean,
    False,
    "Whether traces are kept or dropped after they ended.",
    fate=_NO_SAMPLING,
)
TAIL_POLICIES = SECTION.setting(
    "apm-server.sampling.tail.policies",
    kinds.maps,
    (),
    "Which share of which traces is kept; the last has no criteria.",
    fate=_NO_SAMPLING,
    gate=TAIL,
    shown_default="none",
)
TAIL_INTERVAL = SECTION.setting(
    "apm-server.sampling.tail.interval",
    kinds.duration(1.0),
    60.0,
    "Time between decisions.",
    fate=_NO_SAMPLING,
    gate=TAIL,
)
SECTION.setting(
    "apm-server.sampling.tail.ttl",
    kinds.duration(),
    1800.0,
    "How long events wait for a decision.",
    fate=_NO_SAMPLING,
    gate=TAIL,
)
SECTION.setting(
    "apm-server.sampling.tail.storage_limit",
    kinds.size(),
    0,
    "Disk space for waiting events; 0: by the disk's use.",
    fate=_NO_SAMPLING,
    gate=TAIL,
)
SECTION.setting(
    "apm-server.sampling.tail.disk_usage_threshold",
    kinds.fraction(),
    0.8,
    "Part of the disk that may be in use.",
    fate=_NO_SAMPLING,
    gate=TAIL,
)
SECTION.setting(
    "apm-server.sampling.tail.discard_on_write_failure",
    kinds.boolean,
    False,
    "Whether traces are dropped when the limit is reached.",
    fate=_NO_SAMPLING,
    gate=TAIL,
)
SECTION.setting(
    "apm-server.sampling.tail.ingest_rate_decay",
    kinds.fraction(),
    0.25,
    "Weight of the newest interval.",
    fate=_NO_SAMPLING,
    gate=TAIL,
)
for _key, _help in (
    ("database_cache_size", "Memory of its database; 0: automatic."),
    ("read_batch_memory_limit", "Memory for reading traces; 0: automatic."),
):
    SECTION.setting(f"apm-server.sampling.tail.{_key}", kinds.size(), 0, _help, fate=_NO_SAMPLING, gate=TAIL)
declare_client(SECTION, "apm-server.sampling.tail.elasticsearch", _NO_SAMPLING, TAIL)
SECTION.group(
    "apm-server.sampling",
    "Of earlier versions, such as `keep_unsampled`.",
    Warned("the original does not read it any more"),
)
EXPVAR_ENABLED = SECTION.setting(
    "apm-server.expvar.enabled", kinds.boolean, False, "Go's variables as a page.", fate=_NO_PAGES
)
SECTION.setting("apm-server.expvar.url", kinds.text, "/debug/vars", "Path of the page.", fate=_NO_PAGES, gate=_EXPVAR)
PPROF_ENABLED = SECTION.setting(
    "apm-server.pprof.enabled", kinds.boolean, False, "Go's profiles as pages.", fate=_NO_PAGES
)
for _key in ("block_profile_rate", "mem_profile_rate", "mutex_profile_rate"):
    SECTION.setting(f"apm-server.pprof.{_key}", kinds.integer(), 0, "Rate of profiling.", fate=_NO_PAGES, gate=_PPROF)
