"""What each process is told: its part of the settings, handed over the control socket as JSON.

The acceptor's part holds nothing that opens the store (DESIGN, "Who may touch what").
Sizes are bytes, times are seconds. Defaults stand in the declarations (`tidegate.daemon.settings`), not here.
"""

from __future__ import annotations

from msgspec import Struct


class LogFilesPart(Struct, frozen=True):
    """Where and how log files are kept; each process has its own."""

    folder: str
    name: str
    """What their names begin with."""
    rotate_bytes: int
    keep: int
    """Rotated files for each process."""
    mode: int
    interval: float
    """Seconds; 0: not rotated by time."""
    rotate_on_start: bool


class LoggingPart(Struct, frozen=True):
    """How every process logs."""

    level: str
    """error, warning, info or debug"""
    format: str
    """json or human"""
    requests: str
    """all, errors or off"""
    files: LogFilesPart | None = None
    """None: standard error."""


class TokenPart(Struct, frozen=True):
    """A secret token."""

    token: str
    name: str
    """For refusals and logs; may be empty."""
    allow_agents: list[str]
    """None: all."""
    allow_services: list[str]
    """None: all."""


class AuthPart(Struct, frozen=True):
    """Who may send; without tokens and API keys everybody may."""

    tokens: list[TokenPart]
    api_keys: bool
    """Whether API keys are accepted."""
    api_key_limit: int
    """Good keys that are remembered at a time."""
    anonymous: AnonymousPart | None
    """None: they are refused."""


class AnonymousPart(Struct, frozen=True):
    """Senders without credentials."""

    allow_agents: list[str]
    allow_services: list[str]
    """None: all."""
    event_limit: int
    """Events a second and client address."""
    rum_only: bool
    """Whether only the paths of browsers are open to them."""


class ForwardingPart(Struct, frozen=True):
    """Whose word is believed about whom a request comes from."""

    trusted: tuple[str, ...]
    """Addresses and networks, `private`, `all`."""
    from_right: bool


class BrowsersPart(Struct, frozen=True):
    """How an acceptor deals with pages in browsers."""

    enabled: bool
    allow_origins: list[str]
    match_origins: str
    """text or host"""
    allow_headers: list[str]
    response_headers: dict[str, list[str]]
    extra_paths: list[str]


class UploadPart(Struct, frozen=True):
    """How an acceptor takes source maps."""

    enabled: bool
    """Whether there is such a path at all."""
    mapping: bool
    """Whether browsers are let in and their frames are mapped; without that, maps would be of no use."""
    max_upload: int
    """Bytes of a request's body as sent."""
    max_map_size: int
    """Bytes of the map itself."""


class FramesPart(Struct, frozen=True):
    """What a worker looks for in stack frames from browsers; "": nothing."""

    library_pattern: str
    exclude_from_grouping: str


class CertificatesPart(Struct, frozen=True):
    """What an acceptor shows to agents, as PEM text: an acceptor opens no file."""

    certificate: str
    """With its chain."""
    key: str
    key_passphrase: str
    authorities: str
    """Of client certificates."""


class TlsServerPart(Struct, frozen=True):
    """How an acceptor speaks TLS with agents."""

    client_authentication: str
    """none, optional or required"""
    minimum_version: str
    """TLSv1.1, TLSv1.2 or TLSv1.3"""
    maximum_version: str
    cipher_suites: str
    """For TLS 1.2, in OpenSSL's words; empty: ours."""
    curve: str
    """In OpenSSL's words; empty: OpenSSL's choice."""


class AcceptorPart(Struct, frozen=True):
    """For an acceptor; addresses are bound by the supervisor and inherited."""

    logging: LoggingPart
    version: str
    """The version that `/` tells agents and documents carry as `observer.version`."""
    build_date: str
    build_sha: str
    hostname: str
    namespace: str
    default_environment: str
    capture_personal_data: bool
    max_header_size: int
    max_event_size: int
    max_connections: int
    """0: no limit. Already divided by the number of acceptors."""
    max_connections_per_address: int
    """Likewise; addresses of trusted proxies are not limited."""
    connection_memory: int
    """Bytes that all connections of this acceptor may hold together."""
    max_concurrent_decoders: int
    """0: no limit."""
    max_body_size: int
    """Inflated bytes of a request; 0: no limit."""
    read_timeout: float
    write_timeout: float
    idle_timeout: float
    shutdown_timeout: float
    queue_timeout: float
    response_headers: dict[str, list[str]]
    auth: AuthPart
    forwarding: ForwardingPart
    address_limit: int
    """Client addresses of anonymous senders that are kept apart."""
    shares_limits: bool
    """Whether there are other acceptors, with which the limits of client addresses are shared."""
    browsers: BrowsersPart
    agent_config_max_age: int
    """Seconds that agents keep their configuration."""
    health_path: str
    """Answered to load balancers; "": none is."""
    upload: UploadPart
    tls: TlsServerPart | None = None
    """None: plain HTTP."""
    certificates: CertificatesPart | None = None
    """With `tls`; added by the supervisor, which reads the files."""


class SpoolPart(Struct, frozen=True):
    """For a worker's spool."""

    folder: str
    max_bytes: int
    """Of this worker's segments on disk."""
    memory: int
    """Bytes of blocks kept in memory for sending."""
    segment_bytes: int
    orphans_from: int = 0
    """The folders beside this one with such a number or a higher one belong to no worker any more: this one takes over
    what is in them. 0: another worker does."""


class DeadLetterPart(Struct, frozen=True):
    """For a worker's dead letters."""

    folder: str
    max_bytes: int
    max_age: float


class TlsPart(Struct, frozen=True):
    """TLS towards Elasticsearch; paths, or PEM text where the original allows it inline."""

    verification_mode: str
    """full, strict, certificate or none"""
    certificate_authorities: list[str]
    certificate: str
    key: str
    key_passphrase: str
    supported_protocols: list[str]


class ElasticsearchPart(Struct, frozen=True):
    """For the Elasticsearch sink."""

    hosts: list[str]
    """Whole URLs: scheme, host, port, path."""
    username: str
    password: str
    api_key: str
    """`id:key`"""
    headers: dict[str, str]
    connect_timeout: float
    response_timeout: float
    backoff_init: float
    backoff_max: float
    compression_level: int
    flush_bytes: int
    flush_interval: float
    flush_documents: int
    max_requests: int
    wait_ready_interval: float
    tls: TlsPart


class LocalPart(Struct, frozen=True):
    """For the local store."""

    file: str
    max_bytes: int
    max_age: float


class ApiKeysPart(Struct, frozen=True):
    """Where a worker asks about API keys; one of the two is set."""

    elasticsearch: ElasticsearchPart | None = None
    """Without credentials: the client's own are sent."""
    file: str = ""
    """Of the keys beside the local store."""


class OwnDocumentsPart(Struct, frozen=True):
    """What stands on documents that a worker makes by itself."""

    namespace: str
    hostname: str
    version: str


class AgentConfigPart(Struct, frozen=True):
    """Where a worker reads the configuration of agents; one of `elasticsearch` and `file`."""

    interval: float
    """Seconds between two readings."""
    elasticsearch: ElasticsearchPart | None = None
    file: str = ""
    """Beside the local store."""


class SourceMapsPart(Struct, frozen=True):
    """Where a worker keeps and finds source maps; one of `elasticsearch` and `folder`."""

    mapping: bool
    """Whether frames from browsers are mapped."""
    timeout: float
    """Longest wait of a batch for the maps that it needs; 0: as long as fetching takes."""
    max_map_size: int
    """Bytes, decompressed."""
    scratch: str
    """Folder for files without a name, in which large maps are checked."""
    memory: int
    """Bytes of maps' JSON that a worker keeps."""
    elasticsearch: ElasticsearchPart | None = None
    folder: str = ""
    """Beside the local store."""


class WorkerPart(Struct, frozen=True):
    """For a worker; exactly one of `elasticsearch` and `local` is set."""

    logging: LoggingPart
    first: bool
    """Of all workers: what happens once for all of them is its task."""
    documents: str
    """auto, raw or complete"""
    documents_file: str
    """Where the last known answer of the cluster is kept (for auto)."""
    max_event_size: int
    shutdown_timeout: float
    credit: int
    """Bytes of unanswered batches for each acceptor."""
    spool: SpoolPart
    dead_letters: DeadLetterPart
    frames: FramesPart
    anonymous_services_file: str
    """Where names of services are noted that anonymous senders gave."""
    anonymous_max_services: int
    own_documents: OwnDocumentsPart
    agent_config: AgentConfigPart
    source_maps: SourceMapsPart
    unmapped_file: str
    """Where stack frames are noted that no source map fitted."""
    api_keys: ApiKeysPart | None = None
    """None: API keys are not accepted."""
    elasticsearch: ElasticsearchPart | None = None
    local: LocalPart | None = None
