"""The settings in force: frozen, typed, and cut into the parts that each process is handed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace
from tidegate.daemon import __version__
from tidegate.daemon.settings import (
    agent_config,
    auth,
    auth_parts,
    elasticsearch_target,
    intake_tls,
    logging_section,
    output,
    paths,
    rum,
    server,
    source_map_parts,
    table,
    tidegate_section,
    tls_section,
)
from tidegate.daemon.settings.address import ListenAddress
from tidegate.daemon.settings.client import Client
from tidegate.daemon.settings.declare import Honoured, Setting, Warned
from tidegate.daemon.settings.machine import Machine
from tidegate.daemon.settings.parts import (
    AcceptorPart,
    AgentConfigPart,
    ApiKeysPart,
    BrowsersPart,
    DeadLetterPart,
    ElasticsearchPart,
    FramesPart,
    LocalPart,
    LogFilesPart,
    LoggingPart,
    OwnDocumentsPart,
    SourceMapsPart,
    SpoolPart,
    WorkerPart,
)
from tidegate.daemon.settings.problems import DEFAULT, Origin
from tidegate.daemon.settings.shown import shown
from tidegate.daemon.settings.values import Values

T = TypeVar("T")

_REQUESTS_PER_WORKER = 4
"""Bulk requests under way: enough that the network's and Elasticsearch's time never stops a worker."""
_CORES_PER_ACCEPTOR = 5
"""An acceptor does about a fifth of the work on an event (4 of 20 µs or more)."""
_LEAST_SEGMENT = 1 << 20
_ANSWER_S = 5.0
"""Seconds for the answer to a question that is no bulk request (http-surface.md 6.3)."""
MAP_REQUESTS = 2
"""Source maps that a worker reads or stores at a time; each has megabytes."""
KEY_QUESTIONS = 4
"""API keys that a worker asks about at a time: a cluster answers one in some milliseconds."""


class Row(NamedTuple):
    """One line of `tidegate settings`."""

    key: str
    value: str
    """Masked where it is a secret."""
    origin: str


@dataclass(frozen=True)
class Settings:
    """Everything a start needs to know; made by `load_settings`."""

    values: Values
    origins: Mapping[str, Origin]
    machine: Machine
    sink_name: str
    """`elasticsearch` or `local`."""
    source: Path | None
    """The settings file, if there is one."""
    path_data: Path
    runtime_folder: Path | None
    """Given by systemd; None: the supervisor makes a fresh temporary one."""
    acceptors: int
    workers: int
    tls: bool = False
    """Whether agents are spoken to in TLS."""
    warnings: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    """Warnings that touch safety, for error level."""
    ignored: Mapping[str, Warned] = field(default_factory=dict)
    """Keys that were given and have no effect, and what follows from that."""
    placed: Mapping[str, tuple[str, Origin]] = field(default_factory=dict)
    """Values that were worked out, and from what, for `describe`."""

    def __getitem__(self, setting: Setting[T]) -> T:
        return self.values[setting]

    def origin(self, key: str) -> str:
        """Where the value of the key comes from: `default`, `-E`, `FILE:LINE`, with the variables in it."""
        return str(self.placed[key][1] if key in self.placed else self.origins.get(key, DEFAULT))

    @property
    def listen(self) -> tuple[ListenAddress, ...]:
        """Addresses to listen on, one socket each."""
        return (self[server.HOST],)

    @property
    def shutdown_timeout(self) -> float:
        """Seconds."""
        return self[server.SHUTDOWN_TIMEOUT]

    @property
    def api_keys_file(self) -> Path:
        """API keys, where they are not in Elasticsearch."""
        return self.path_data / "api-keys.json"

    @property
    def store_file(self) -> Path:
        """The local store."""
        return self.path_data / "store.sqlite3"

    @property
    def agent_config_file(self) -> Path:
        """Agent configuration, where it is not in Elasticsearch."""
        return self.path_data / "agent-configuration.json"

    @property
    def source_maps_folder(self) -> Path:
        """Source maps, where they are not in Elasticsearch."""
        return self.path_data / "source-maps"

    @property
    def unmapped_files(self) -> Path:
        """Where workers note stack frames that no source map fitted, one file each."""
        return self.path_data / "unmapped-frames"

    @property
    def namespace(self) -> str:
        """Of the data streams."""
        return self[server.ROOT_NAMESPACE] or self[server.NAMESPACE]

    def spool_folder(self, worker: int) -> Path:
        """Of the worker, counted from 0."""
        return self.path_data / "spool" / str(worker)

    def dead_letter_folder(self, worker: int) -> Path:
        """Of the worker, counted from 0."""
        return self.path_data / "dead-letters" / str(worker)

    def logging_part(self) -> LoggingPart:
        """For every process, the supervisor too."""
        wanted = self[tidegate_section.LOG_FORMAT]
        to_files = self[logging_section.TO_FILES] and not self[logging_section.TO_STDERR]
        automatic = "human" if self.machine.terminal and not to_files else "json"
        return LoggingPart(
            level=self[logging_section.LEVEL],
            format=automatic if wanted == "auto" else wanted,
            requests=self[tidegate_section.LOG_REQUESTS],
            files=self._log_files_part() if to_files else None,
        )

    def _log_files_part(self) -> LogFilesPart:
        home = self[paths.HOME]
        folder = self[logging_section.FILES_PATH] or self[paths.LOGS] or (f"{home}/logs" if home else "")
        return LogFilesPart(
            folder=str(Path(folder).absolute() if folder else self.path_data / "logs"),
            name=self[logging_section.FILES_NAME],
            rotate_bytes=self[logging_section.FILES_ROTATE_BYTES],
            keep=self[logging_section.FILES_KEEP],
            mode=int(self[logging_section.FILES_PERMISSIONS], 8),
            interval=self[logging_section.FILES_INTERVAL],
            rotate_on_start=self[logging_section.FILES_ROTATE_ON_START],
        )

    def acceptor_part(self) -> AcceptorPart:
        """For each acceptor; limits for the whole server are divided by their number."""
        decoders = self[server.MAX_CONCURRENT_DECODERS]
        connections = self[server.MAX_CONNECTIONS]
        crowd = auth_parts.max_connections_per_address(self.values)
        return AcceptorPart(
            logging=self._acceptor_logging(),
            version=self[tidegate_section.VERSION],
            build_date=self.machine.build_date,
            build_sha=f"tidegate-{__version__}",
            hostname=self.machine.hostname,
            namespace=self.namespace,
            default_environment=self[server.DEFAULT_SERVICE_ENVIRONMENT],
            capture_personal_data=self[server.CAPTURE_PERSONAL_DATA],
            max_header_size=auth_parts.max_header_size(self.values),
            max_event_size=self[server.MAX_EVENT_SIZE],
            max_connections=_share(connections, self.acceptors) if connections else 0,
            max_connections_per_address=_share(crowd, self.acceptors) if crowd else 0,
            connection_memory=self[tidegate_section.CONNECTION_MEMORY],
            max_concurrent_decoders=_share(decoders, self.acceptors) if decoders else 0,
            max_body_size=self[tidegate_section.MAX_BODY_SIZE],
            read_timeout=self[server.READ_TIMEOUT],
            write_timeout=self[server.WRITE_TIMEOUT],
            idle_timeout=self[server.IDLE_TIMEOUT],
            shutdown_timeout=self.shutdown_timeout,
            queue_timeout=self[tidegate_section.QUEUE_TIMEOUT],
            response_headers={name: list(texts) for name, texts in self[server.RESPONSE_HEADERS].items()},
            auth=auth_parts.auth_part(self.values),
            forwarding=auth_parts.forwarding_part(self.values),
            address_limit=self[auth.IP_LIMIT],
            shares_limits=self.acceptors > 1,
            browsers=self._browsers_part(),
            agent_config_max_age=int(self[agent_config.CACHE_EXPIRATION]),
            health_path="".join(self[tidegate_section.HEALTH_PATH]),
            upload=source_map_parts.upload_part(self.values),
            tls=intake_tls.policy(self.values) if self.tls else None,
        )

    def _browsers_part(self) -> BrowsersPart:
        return BrowsersPart(
            enabled=self[rum.ENABLED],
            allow_origins=list(self[rum.ALLOW_ORIGINS]),
            match_origins="host" if auth_parts.matches_hosts(self.values) else "text",
            allow_headers=list(self[rum.ALLOW_HEADERS]),
            response_headers={name: list(texts) for name, texts in self[rum.RESPONSE_HEADERS].items()},
            extra_paths=list(self[rum.EXTRA_PATHS]),
        )

    def certificate_source(self) -> intake_tls.CertificateSource | None:
        """Where the certificates for agents come from; None without TLS."""
        return intake_tls.source(self.values) if self.tls else None

    def _acceptor_logging(self) -> LoggingPart:
        """An acceptor writes no file into a folder that holds the data: it would have to be let in there."""
        part = self.logging_part()
        if part.files is not None and self.path_data.absolute().is_relative_to(part.files.folder):
            return replace(part, files=None)
        return part

    def worker_part(self, number: int) -> WorkerPart:
        """For the worker with the number, counted from 0; what is bounded in all is divided by their number."""
        documents = self[tidegate_section.DOCUMENTS]
        if self.sink_name == "local" and documents == "auto":
            documents = "complete"
        spool_share = self[tidegate_section.SPOOL_MAX_BYTES] // self.workers
        return WorkerPart(
            logging=self.logging_part(),
            first=number == 0,
            documents=documents,
            documents_file=str(self.path_data / "documents.json"),
            max_event_size=self[server.MAX_EVENT_SIZE],
            shutdown_timeout=self.shutdown_timeout,
            credit=self[tidegate_section.CREDIT],
            spool=SpoolPart(
                folder=str(self.spool_folder(number)),
                max_bytes=spool_share,
                memory=self[tidegate_section.SPOOL_MEMORY],
                # several segments to a spool, or none could be freed while one is being filled
                segment_bytes=min(self[tidegate_section.SPOOL_SEGMENT_BYTES], max(spool_share // 4, _LEAST_SEGMENT)),
                orphans_from=self.workers if number == 0 else 0,
            ),
            dead_letters=DeadLetterPart(
                folder=str(self.dead_letter_folder(number)),
                max_bytes=_share(self[tidegate_section.DEAD_LETTERS_MAX_BYTES], self.workers),
                max_age=self[tidegate_section.DEAD_LETTERS_MAX_AGE],
            ),
            anonymous_services_file=str(self.path_data / "anonymous-services"),
            anonymous_max_services=self[auth.MAX_SERVICES],
            api_keys=self.api_keys_part() if self[auth.API_KEY_ENABLED] else None,
            frames=FramesPart(self[rum.LIBRARY_PATTERN], self[rum.EXCLUDE_FROM_GROUPING]),
            own_documents=OwnDocumentsPart(self.namespace, self.machine.hostname, self[tidegate_section.VERSION]),
            agent_config=self.agent_config_part(),
            source_maps=self.source_maps_part(),
            unmapped_file=str(self.unmapped_files / f"{number}.json"),
            elasticsearch=self._elasticsearch_part() if self.sink_name == "elasticsearch" else None,
            local=self.local_part() if self.sink_name == "local" else None,
        )

    def local_part(self) -> LocalPart:
        """The local store, for its writer and for the commands that read it."""
        return LocalPart(str(self.store_file), self[output.LOCAL_MAX_BYTES], self[output.LOCAL_MAX_AGE])

    def api_keys_part(self) -> ApiKeysPart:
        """Where API keys are: the client's credentials are used, never the output's."""
        client = auth.API_KEY_ELASTICSEARCH
        if self.sink_name == "local" and client.hosts not in self.values:
            return ApiKeysPart(file=str(self.api_keys_file))
        part = replace(self._client_part(client), username="", password="", api_key="", max_requests=KEY_QUESTIONS)
        return ApiKeysPart(elasticsearch=part)

    def key_maker_part(self) -> ElasticsearchPart:
        """Where API keys are made, with the credentials of the settings: for a command, never for a process that serves. The
        first key of a cluster takes a while."""
        wait = self[tidegate_section.RESPONSE_TIMEOUT]
        return replace(self._client_part(auth.API_KEY_ELASTICSEARCH), response_timeout=wait)

    def agent_config_part(self) -> AgentConfigPart:
        """Where agent configuration is, for workers and for the command that writes it."""
        interval = self[agent_config.CACHE_EXPIRATION]
        if self.sink_name == "local" and agent_config.ELASTICSEARCH.hosts not in self.values:
            return AgentConfigPart(interval, file=str(self.agent_config_file))
        return AgentConfigPart(interval, elasticsearch=self._client_part(agent_config.ELASTICSEARCH))

    def source_maps_part(self) -> SourceMapsPart:
        """Where source maps are, for workers and for the command that keeps them."""
        client = rum.SOURCE_MAPPING_ELASTICSEARCH
        part = SourceMapsPart(
            mapping=source_map_parts.maps_frames(self.values),
            timeout=self[rum.SOURCE_MAPPING_TIMEOUT],
            max_map_size=self[rum.MAX_SOURCEMAP_SIZE],
            scratch=str(self.path_data),
            memory=self[rum.SOURCE_MAP_MEMORY],
        )
        if self.sink_name == "local" and client.hosts not in self.values:
            return replace(part, folder=str(self.source_maps_folder))
        wait = self[tidegate_section.RESPONSE_TIMEOUT]  # a map has megabytes
        place = replace(self._client_part(client), response_timeout=wait, max_requests=MAP_REQUESTS)
        return replace(part, elasticsearch=place)

    def _client_part(self, client: Client) -> ElasticsearchPart:
        """Of a client that asks questions only: one at a time, and short ones."""
        target = elasticsearch_target.client_target(self.values, client)
        part = self._elasticsearch_part()
        given = self[client.headers] if client.headers in self.values else self[output.HEADERS]
        return replace(
            part,
            hosts=list(target.hosts),
            username=target.username,
            password=target.password,
            api_key=target.api_key,
            headers={name: ", ".join(texts) for name, texts in given.items()},
            connect_timeout=self[client.timeout] if client.timeout in self.values else part.connect_timeout,
            response_timeout=_ANSWER_S,
            max_requests=1,
            tls=elasticsearch_target.client_tls(self.values, client),
        )

    def _elasticsearch_part(self) -> ElasticsearchPart:
        target = elasticsearch_target.target(self.values)
        requests = self[output.MAX_REQUESTS]
        return ElasticsearchPart(
            hosts=list(target.hosts),
            username=target.username,
            password=target.password,
            api_key=target.api_key,
            headers={name: ", ".join(texts) for name, texts in self[output.HEADERS].items()},
            connect_timeout=self[output.TIMEOUT],
            response_timeout=self[tidegate_section.RESPONSE_TIMEOUT],
            backoff_init=min(self[output.BACKOFF_INIT], self[output.BACKOFF_MAX]),
            backoff_max=self[output.BACKOFF_MAX],
            compression_level=self[output.COMPRESSION_LEVEL],
            flush_bytes=elasticsearch_target.flush_bytes(self.values),
            flush_interval=self[output.FLUSH_INTERVAL],
            flush_documents=self[tidegate_section.FLUSH_DOCUMENTS],
            max_requests=_share(requests, self.workers) if requests else _REQUESTS_PER_WORKER,
            wait_ready_interval=self[server.WAIT_READY_INTERVAL],
            tls=elasticsearch_target.tls(self.values),
        )

    def describe(self) -> list[Row]:
        """Every setting that is honoured, and each that was given; secrets masked."""
        rows = []
        for key, setting in table.SETTINGS.items():
            if key in self.placed:
                rows.append(Row(key, self.placed[key][0], self.origin(key)))
            elif isinstance(setting.fate, Honoured) or key in self.origins:
                rows.append(Row(key, shown(setting, self[setting]), self.origin(key)))
        return rows


def _share(whole: int, processes: int) -> int:
    return max(whole // processes, 1)


def count_processes(values: Values, machine: Machine, sink: str) -> tuple[int, int]:
    """Acceptors and workers."""
    cores = min(values[paths.MAX_PROCS] or machine.cores, machine.cores)
    acceptors = values[tidegate_section.ACCEPTORS]
    if acceptors is None:
        acceptors = max(cores // _CORES_PER_ACCEPTOR, 1)
    workers = values[tidegate_section.WORKERS]
    if workers is None:
        workers = max(cores - acceptors, 1)
    return acceptors, 1 if sink == "local" else workers


def worked_out(
    values: Values, acceptors: int, workers: int, data: tuple[str, Origin], *, tls: bool
) -> dict[str, tuple[Any, Origin]]:
    """What `describe` shows in place of `auto` and of an empty path."""
    placed: dict[str, tuple[Any, Origin]] = {paths.DATA.key: data}
    for setting, number in ((tidegate_section.ACCEPTORS, acceptors), (tidegate_section.WORKERS, workers)):
        if values[setting] != number:
            placed[setting.key] = (str(number), Origin("worked out"))
    if tls != values[tls_section.ENABLED]:
        placed[tls_section.ENABLED.key] = ("true", Origin("the section has no `enabled`"))
    if (asked := intake_tls.client_authentication(values)) != values[tls_section.CLIENT_AUTHENTICATION]:
        placed[tls_section.CLIENT_AUTHENTICATION.key] = (asked, Origin("worked out"))
    return placed
