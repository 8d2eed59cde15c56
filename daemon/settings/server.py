"""`apm-server.*`: the intake server itself (http-surface.md 7.2)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.address import ListenAddress, listen_address
from tidegate.daemon.settings.declare import Applies, Section

SECTION = Section("Server", "Where Tidegate listens and what it accepts.")

HOST = SECTION.setting(
    "apm-server.host",
    kinds.Kind("address", lambda leaf: listen_address(kinds.text.read(leaf))),
    ListenAddress("127.0.0.1", 8200),
    "Address to listen on: `host`, `host:port`, `:8200` (all addresses), `[v6]:port`. The port defaults to 8200. "
    "`unix:/path` is a UNIX socket; who may connect, the umask of the start decides (with 0077 its own user only).",
)
MAX_HEADER_SIZE = SECTION.setting(
    "apm-server.max_header_size",
    kinds.integer(1, 1 << 30),
    1_048_576,
    "Bytes of a request's head; more is answered 431.",
    applies=Applies.RELOAD,
)
MAX_EVENT_SIZE = SECTION.setting(
    "apm-server.max_event_size",
    # a line is held in memory whole, by the acceptor and by the worker
    kinds.integer(1, 256 << 20),
    307_200,
    "Bytes of one event (one line of a request); no unit. A longer one is an error for its sender.",
)
MAX_CONNECTIONS = SECTION.setting(
    "apm-server.max_connections",
    kinds.integer(),
    0,
    "Open connections at a time, over all acceptors; further ones wait in the kernel. 0: no limit.",
    applies=Applies.RELOAD,
)
MAX_CONCURRENT_DECODERS = SECTION.setting(
    "apm-server.max_concurrent_decoders",
    kinds.integer(),
    0,
    "Requests with events that are read at a time, over all acceptors; further ones wait. "
    "0: no limit; what is in memory is bounded by tidegate.credit, not by their number.",
    applies=Applies.RELOAD,
)
IDLE_TIMEOUT = SECTION.setting(
    "apm-server.idle_timeout",
    kinds.duration(),
    45.0,
    "How long a kept connection may wait for its next request.",
    applies=Applies.RELOAD,
)
READ_TIMEOUT = SECTION.setting(
    "apm-server.read_timeout",
    kinds.duration(),
    30.0,
    "Longest time from a request's first byte to the end of its body.",
    applies=Applies.RELOAD,
)
WRITE_TIMEOUT = SECTION.setting(
    "apm-server.write_timeout",
    kinds.duration(),
    30.0,
    "Longest time from the end of a request's body until its answer, and then until that is delivered.",
    applies=Applies.RELOAD,
)
SHUTDOWN_TIMEOUT = SECTION.setting(
    "apm-server.shutdown_timeout",
    kinds.duration(),
    30.0,
    "How long requests in flight may go on after SIGTERM; what is not sent by then stays in the spool.",
    applies=Applies.RELOAD,
)
RESPONSE_HEADERS = SECTION.setting(
    "apm-server.response_headers",
    kinds.headers,
    {},
    "Headers for every answer (not for 404).",
    applies=Applies.RELOAD,
    shown_default="none",
)
CAPTURE_PERSONAL_DATA = SECTION.setting(
    "apm-server.capture_personal_data",
    kinds.boolean,
    True,
    "Whether client addresses and user agents of requests are written into events.",
    applies=Applies.RELOAD,
)
DEFAULT_SERVICE_ENVIRONMENT = SECTION.setting(
    "apm-server.default_service_environment",
    kinds.text,
    "",
    "Environment of events that name none.",
    applies=Applies.RELOAD,
)
NAMESPACE = SECTION.setting(
    "apm-server.data_streams.namespace",
    kinds.text,
    "default",
    "Last part of the names of data streams.",
    applies=Applies.RELOAD,
)
ROOT_NAMESPACE = SECTION.setting(
    "data_stream.namespace",
    kinds.text,
    "",
    "Fleet's form of `apm-server.data_streams.namespace`; overrides it.",
    applies=Applies.RELOAD,
)
WAIT_READY_INTERVAL = SECTION.setting(
    "apm-server.wait_ready_interval",
    kinds.duration(0.001),
    5.0,
    "Pause between the questions whether Elasticsearch can be reached, until it can.",
    applies=Applies.RELOAD,
)
