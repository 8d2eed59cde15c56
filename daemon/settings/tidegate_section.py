"""`tidegate.*`: what the original does not have."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.declare import Applies, Section

SECTION = Section("Tidegate's own", "Keys that the original does not have. All have defaults that need no thought.")

ACCEPTORS = SECTION.setting(
    "tidegate.acceptors",
    # more processes than this serve no port faster
    kinds.auto_or(1, 64),
    1,
    "Processes that talk HTTP with clients. `auto`: one for every five cores, as an acceptor does a fifth of the work.",
)
WORKERS = SECTION.setting(
    "tidegate.workers",
    kinds.auto_or(1, 256),
    None,
    "Processes that make documents and store them. `auto`: the cores that acceptors leave, at least 1. "
    "Always 1 with the local store.",
    shown_default="auto",
)
QUEUE_TIMEOUT = SECTION.setting(
    "tidegate.queue_timeout",
    kinds.duration(),
    5.0,
    "How long a request waits for a worker that has room, before it is answered 503 `queue is full`.",
    applies=Applies.RELOAD,
)
CREDIT = SECTION.setting(
    "tidegate.credit",
    # one batch of 64 KiB must fit; more than a GiB only hides that workers are too slow
    kinds.size(64 << 10),
    1 << 20,
    "Bytes of unanswered batches between each acceptor and each worker.",
)
CONNECTION_MEMORY = SECTION.setting(
    "tidegate.connection_memory",
    kinds.size(16 << 20),
    256 << 20,
    "Bytes that all connections of one acceptor together may hold in begun requests and unread answers; above it, those that have "
    "moved least recently give up theirs. A compressed request that is open holds about 90 KB, so that the default is "
    "enough for 2,500 agents with open requests at a time.",
    applies=Applies.RELOAD,
)
MAX_BODY_SIZE = SECTION.setting(
    "tidegate.max_body_size",
    kinds.size(),
    0,
    "Bytes of one request's body, decompressed. 0: no limit, as in the original.",
    applies=Applies.RELOAD,
)
ADMIN_HOST = SECTION.setting(
    "tidegate.admin.host",
    kinds.loopback,
    None,
    "Address and port of this machine, such as `127.0.0.1:9464`, for the pages of the admin socket that only read: `/metrics`, "
    "`/status`, `/healthz`, `/readyz`. Without it they are on the UNIX socket `path.data/admin.sock` alone.",
)
HEALTH_PATH = SECTION.setting(
    "tidegate.health.path",
    kinds.paths(1),
    (),
    "A path of the intake port for load balancers, such as `/healthz`: an empty answer to everybody, 200, or 503 while "
    "Tidegate stops or its spool takes nothing.",
    applies=Applies.RELOAD,
)
DOCUMENTS = SECTION.setting(
    "tidegate.documents",
    kinds.choice("auto", "raw", "complete"),
    "auto",
    "Form of documents: `raw` for clusters whose own pipelines complete them (Elasticsearch 8.15 and later), "
    "`complete` for those without; `auto` asks the cluster. The local store gets complete ones unless this says `raw`.",
    applies=Applies.RELOAD,
)
VERSION = SECTION.setting(
    "tidegate.version",
    kinds.text,
    "9.5.2",
    "Version of the original that `/` tells to agents, and that documents carry as `observer.version`.",
    applies=Applies.RELOAD,
)
SPOOL_MAX_BYTES = SECTION.setting(
    "tidegate.spool.max_bytes",
    kinds.size(1 << 20),
    2 << 30,
    "Disk space for events that are accepted but not yet stored, over all workers; when it is used up, "
    "requests are answered 503.",
    applies=Applies.RELOAD,
)
SPOOL_MEMORY = SECTION.setting(
    "tidegate.spool.memory",
    kinds.size(1 << 20),
    64 << 20,
    "Memory of each worker for events on their way; what exceeds it is read back from disk.",
    applies=Applies.RELOAD,
)
SPOOL_SEGMENT_BYTES = SECTION.setting(
    "tidegate.spool.segment_bytes",
    kinds.size(1 << 20),
    16 << 20,
    "Size of one file of the spool.",
    applies=Applies.RELOAD,
)
DEAD_LETTERS_MAX_BYTES = SECTION.setting(
    "tidegate.dead_letters.max_bytes",
    kinds.size(1 << 20),
    100 << 20,
    "Disk space for events that Elasticsearch refuses for what is in them, over all workers; the oldest make room.",
    applies=Applies.RELOAD,
)
DEAD_LETTERS_MAX_AGE = SECTION.setting(
    "tidegate.dead_letters.max_age",
    kinds.duration(1.0),
    30 * 86400.0,
    "How long they are kept.",
    applies=Applies.RELOAD,
)
RESPONSE_TIMEOUT = SECTION.setting(
    "tidegate.elasticsearch.response_timeout",
    kinds.duration(0.1),
    60.0,
    "Longest wait for the answer to a bulk request, which is then sent again (and stored once). "
    "Elasticsearch's own time limit for a bulk is one minute.",
    applies=Applies.RELOAD,
)
FLUSH_DOCUMENTS = SECTION.setting(
    "tidegate.elasticsearch.flush_documents",
    kinds.integer(1, 1_000_000),
    5000,
    "Most documents of one bulk request.",
    applies=Applies.RELOAD,
)
LOG_FORMAT = SECTION.setting(
    "tidegate.logging.format",
    kinds.choice("auto", "json", "human"),
    "auto",
    "`json` (with ECS fields) or `human`; `auto`: human on a terminal.",
)
LOG_REQUESTS = SECTION.setting(
    "tidegate.logging.requests",
    kinds.choice("all", "errors", "off"),
    "all",
    "Which requests are logged, one line each.",
    applies=Applies.RELOAD,
)
