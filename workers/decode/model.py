"""The events that mapping works on: intake-to-documents.md sections 4.1 to 4.7 as types.

These structs are what the accept path decodes into directly, and what the exact path builds after it has read a line
by the letter. They say which fields exist, their types and limits; what a field becomes is said in `workers.mapping`.
A field that is accepted and dropped is declared too, so that a known agent never leaves the accept path.
Absent and null are the same: None. An object of which nothing is set is absent too; the accept path makes it None where its
presence alone would mean something (user, response, URL, experience, target, origin, framework, and the span and
transaction of a metricset), and mapping must not tell the others from None. The same goes for empty maps and lists.
`gc=False`: an event lives for one batch and holds no cycle.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

Text = Annotated[str, Meta(max_length=1024)]
Text512 = Annotated[str, Meta(max_length=512)]
Name = Annotated[str, Meta(min_length=1, max_length=1024)]
Int = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
NotNegative = Annotated[float, Meta(ge=0)]
Outcome = Literal["success", "failure", "unknown", ""]
Headers = dict[str, str | list[str]]
Labels = dict[str, Text | bool | Int | float | None]
Free = dict[str, Any]
Skipped = Any
"""A key that the original does not know, but some agent always sends; declared only so that it stays on the accept path."""
Time = Int | str
"""Integer: µs since the epoch. String: RFC 3339; what `workers.decode.times` cannot read goes to the exact path."""

SERVICE_NAME = r"^[a-zA-Z0-9 _-]+\Z"


class Known(Struct, forbid_unknown_fields=True, gc=False):
    """Base of all: an unknown key sends the line to the exact path, which reads keys in other case and skips the rest."""


# ---------------------------------------------------------------------------------------------- shared objects, 4.1


class NameVersion(Known):
    name: Text | None = None
    version: Text | None = None


class Agent(Known):
    ephemeral_id: Text | None = None
    name: Text | None = None
    version: Text | None = None


class Node(Known):
    configured_name: Text | None = None


class Origin(Known):
    id: str | None = None
    name: str | None = None
    version: str | None = None


class Target(Known):
    name: str | None = None
    type: str | None = None


class EventService(Known):
    """4.1.1. The pattern of `name` is checked by `workers.decode.accept`, where a memo makes it cheap."""

    agent: Agent | None = None
    environment: Text | None = None
    framework: NameVersion | None = None
    id: str | None = None
    language: NameVersion | None = None
    name: Text | None = None
    node: Node | None = None
    origin: Origin | None = None
    runtime: NameVersion | None = None
    target: Target | None = None
    version: Text | None = None


class User(Known):
    """4.1.2."""

    domain: Text | None = None
    id: Text | Int | None = None
    email: Text | None = None
    username: Text | None = None
    is_authenticated: Skipped = None


class Url(Known):
    port: str | Int | None = None
    full: Text | None = None
    hash: Text | None = None
    hostname: Text | None = None
    pathname: Text | None = None
    protocol: Text | None = None
    raw: Text | None = None
    search: Text | None = None


class Socket(Known):
    remote_address: str | None = None
    encrypted: bool | None = None


class Request(Known):
    """4.1.3."""

    method: Text
    body: str | Free | None = None
    url: Url | None = None
    http_version: Text | None = None
    socket: Socket | None = None
    cookies: Free | None = None
    env: Free | None = None
    headers: Headers | None = None


class Response(Known):
    """4.1.4."""

    headers: Headers | None = None
    status_code: Int | None = None
    transfer_size: Int | None = None
    decoded_body_size: Int | None = None
    encoded_body_size: Int | None = None
    finished: bool | None = None
    headers_sent: bool | None = None


class Page(Known):
    referer: str | None = None
    url: str | None = None


class Queue(Known):
    name: Text | None = None


class Age(Known):
    ms: Int | None = None


class Message(Known):
    body: str | None = None
    headers: Headers | None = None
    queue: Queue | None = None
    routing_key: str | None = None
    age: Age | None = None


class Frame(Known):
    """4.1.8. One of `classname`, `filename`: checked by `workers.decode.accept`."""

    vars: Free | None = None
    filename: str | None = None
    abs_path: str | None = None
    classname: str | None = None
    context_line: str | None = None
    function: str | None = None
    module: str | None = None
    post_context: list[str] | None = None
    pre_context: list[str] | None = None
    lineno: Int | None = None
    colno: Int | None = None
    library_frame: bool | None = None


class Trigger(Known):
    type: str | None = None
    request_id: str | None = None


class Faas(Known):
    """4.1.9."""

    id: str | None = None
    execution: str | None = None
    name: str | None = None
    version: str | None = None
    coldstart: bool | None = None
    trigger: Trigger | None = None


class Link(Known):
    trace_id: Text
    span_id: Text


class Otel(Known):
    """4.9."""

    attributes: Free | None = None
    span_kind: str | None = None


# --------------------------------------------------------------------------------------------------- metadata, 4.2


class MetadataAgent(Known):
    name: Name
    version: Text
    activation_method: Text | None = None
    ephemeral_id: Text | None = None


class Language(Known):
    name: Text
    version: Text | None = None


class Runtime(Known):
    name: Text
    version: Text


class MetadataService(Known):
    agent: MetadataAgent
    name: Annotated[str, Meta(min_length=1, max_length=1024, pattern=SERVICE_NAME)]
    environment: Text | None = None
    framework: NameVersion | None = None
    id: str | None = None
    language: Language | None = None
    node: Node | None = None
    runtime: Runtime | None = None
    version: Text | None = None


class IdName(Known):
    id: Text | None = None
    name: Text | None = None


class Machine(Known):
    type: Text | None = None


class CloudService(Known):
    name: Text | None = None


class Cloud(Known):
    provider: Text
    account: IdName | None = None
    availability_zone: Text | None = None
    instance: IdName | None = None
    machine: Machine | None = None
    project: IdName | None = None
    region: Text | None = None
    service: CloudService | None = None


class Container(Known):
    id: Text | None = None


class KubernetesNode(Known):
    name: Text | None = None


class Pod(Known):
    name: Text | None = None
    uid: Text | None = None


class Kubernetes(Known):
    namespace: Text | None = None
    node: KubernetesNode | None = None
    pod: Pod | None = None


class System(Known):
    architecture: Text | None = None
    configured_hostname: Text | None = None
    container: Container | None = None
    detected_hostname: Text | None = None
    hostname: Text | None = None
    kubernetes: Kubernetes | None = None
    platform: Text | None = None
    host_id: Text | None = None


class Connection(Known):
    type: Text | None = None


class Network(Known):
    connection: Connection | None = None


class Process(Known):
    pid: Int
    ppid: Int | None = None
    title: Text | None = None
    argv: list[str] | None = None


class Metadata(Known):
    service: MetadataService
    labels: Labels | None = None
    cloud: Cloud | None = None
    system: System | None = None
    user: User | None = None
    network: Network | None = None
    process: Process | None = None


# ------------------------------------------------------------------------------------------------ transaction, 4.3


class CloudOriginAccount(Known):
    id: str | None = None


class CloudOriginService(Known):
    name: str | None = None


class CloudOrigin(Known):
    account: CloudOriginAccount | None = None
    provider: str | None = None
    region: str | None = None
    service: CloudOriginService | None = None


class EventCloud(Known):
    origin: CloudOrigin | None = None


class Context(Known):
    """Of transactions and errors."""

    custom: Free | None = None
    tags: Labels | None = None
    service: EventService | None = None
    cloud: EventCloud | None = None
    user: User | None = None
    page: Page | None = None
    request: Request | None = None
    message: Message | None = None
    response: Response | None = None
    faas: Skipped = None
    otel_spankind: Skipped = None


class DroppedSum(Known):
    us: Count | None = None


class DroppedDuration(Known):
    count: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    sum: DroppedSum | None = None


class DroppedSpans(Known):
    """One entry of `dropped_spans_stats`; not in the document, but aggregation will read it."""

    destination_service_resource: Text | None = None
    service_target_type: Text512 | None = None
    service_target_name: Text512 | None = None
    outcome: Outcome | None = None
    duration: DroppedDuration | None = None


class Session(Known):
    id: Text
    sequence: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None


class Longtask(Known):
    count: Count
    max: NotNegative
    sum: NotNegative


class Experience(Known):
    cls: NotNegative | None = None
    fid: NotNegative | None = None
    longtask: Longtask | None = None
    tbt: NotNegative | None = None


class SpanCount(Known):
    started: Int
    dropped: Int | None = None


Marks = dict[str, dict[str, float | None] | None]


class Transaction(Known):
    id: Text
    trace_id: Text
    type: Text
    duration: NotNegative
    """ms"""
    span_count: SpanCount
    name: Text | None = None
    parent_id: Text | None = None
    timestamp: Time | None = None
    result: Text | None = None
    outcome: Outcome | None = None
    sampled: bool | None = None
    sample_rate: float | None = None
    context: Context | None = None
    dropped_spans_stats: list[DroppedSpans] | None = None
    experience: Experience | None = None
    faas: Faas | None = None
    links: list[Link] | None = None
    marks: Marks | None = None
    otel: Otel | None = None
    session: Session | None = None


# ------------------------------------------------------------------------------------------------------- span, 4.4


class Composite(Known):
    count: Annotated[int, Meta(ge=2, le=2**63 - 1)]
    sum: NotNegative
    compression_strategy: str


class Db(Known):
    instance: str | None = None
    link: Text | None = None
    statement: str | None = None
    type: str | None = None
    user: str | None = None
    rows_affected: Int | None = None


class DestinationService(Known):
    resource: Text
    name: Text | None = None
    type: Text | None = None


class Destination(Known):
    address: Text | None = None
    port: Int | None = None
    service: DestinationService | None = None
    cloud: Skipped = None


class SpanHttpRequest(Known):
    body: Any = None
    id: str | None = None


class SpanHttpResponse(Known):
    headers: Headers | None = None
    status_code: Int | None = None
    transfer_size: Int | None = None
    decoded_body_size: Int | None = None
    encoded_body_size: Int | None = None


class SpanHttp(Known):
    request: SpanHttpRequest | None = None
    method: Text | None = None
    response: SpanHttpResponse | None = None
    status_code: Int | None = None
    url: str | None = None


class SpanContext(Known):
    tags: Labels | None = None
    service: EventService | None = None
    message: Message | None = None
    db: Db | None = None
    destination: Destination | None = None
    http: SpanHttp | None = None


class Span(Known):
    """One of `start`, `timestamp`: checked by `workers.decode.accept`."""

    id: Text
    trace_id: Text
    parent_id: Text
    name: Text
    type: Text
    duration: NotNegative
    """ms"""
    transaction_id: Text | None = None
    timestamp: Time | None = None
    start: float | None = None
    """ms after the receipt"""
    subtype: Text | None = None
    action: Text | None = None
    outcome: Outcome | None = None
    sync: bool | None = None
    sample_rate: float | None = None
    context: SpanContext | None = None
    stacktrace: list[Frame] | None = None
    child_ids: list[Text] | None = None
    composite: Composite | None = None
    links: list[Link] | None = None
    otel: Otel | None = None


# ------------------------------------------------------------------------------------------------------ error, 4.5


class ErrorLog(Known):
    message: str
    level: Text | None = None
    logger_name: Text | None = None
    param_message: Text | None = None
    stacktrace: list[Frame] | None = None


class ExceptionInfo(Known):
    """One of `message`, `type`: checked by `workers.decode.accept`."""

    code: Text | Int | None = None
    cause: list[ExceptionInfo] | None = None
    stacktrace: list[Frame] | None = None
    module: Text | None = None
    type: Text | None = None
    message: str | None = None
    attributes: Free | None = None
    handled: bool | None = None


class ErrorTransaction(Known):
    name: Text | None = None
    type: Text | None = None
    sampled: bool | None = None


class Error(Known):
    """One of `exception`, `log`; ids required together: checked by `workers.decode.accept`."""

    id: Text
    culprit: Text | None = None
    timestamp: Time | None = None
    trace_id: Text | None = None
    transaction_id: Text | None = None
    parent_id: Text | None = None
    exception: ExceptionInfo | None = None
    log: ErrorLog | None = None
    transaction: ErrorTransaction | None = None
    context: Context | None = None


# -------------------------------------------------------------------------------------------------- metricset, 4.6


class Sample(Known):
    """One of `value`, `values`; `counts` with `values`: checked by `workers.decode.accept`."""

    value: float | None = None
    values: list[float] | None = None
    counts: list[Count] | None = None
    type: str | None = None
    unit: str | None = None


class MetricSpan(Known):
    type: Text | None = None
    subtype: Text | None = None


class MetricTransaction(Known):
    name: Text | None = None
    type: Text | None = None


class MetricService(Known):
    name: Text | None = None
    version: Text | None = None


class Metricset(Known):
    samples: Annotated[dict[str, Sample], Meta(min_length=1)]
    timestamp: Time | None = None
    span: MetricSpan | None = None
    transaction: MetricTransaction | None = None
    tags: Labels | None = None
    service: MetricService | None = None
    faas: Faas | None = None


# -------------------------------------------------------------------------------------------------------- log, 4.7


class Log(Known):
    """All fields flat, under the names that the document has. The exact path lifts nested forms to these; so does
    the accept path where only `log` holds nested ones, the form that agents send."""

    timestamp: Time | None = field(default=None, name="@timestamp")
    message: str | None = None
    labels: Labels | None = None
    faas: Faas | None = None
    log: dict[str, Any] | UnsetType = UNSET
    """Nested form as sent; empty once it has been lifted."""
    level: Text | None = field(default=None, name="log.level")
    logger: Text | None = field(default=None, name="log.logger")
    origin_function: str | None = field(default=None, name="log.origin.function")
    origin_file_name: Text | None = field(default=None, name="log.origin.file.name")
    origin_file_line: Int | None = field(default=None, name="log.origin.file.line")
    service_name: Text | None = field(default=None, name="service.name")
    service_version: Text | None = field(default=None, name="service.version")
    service_environment: Text | None = field(default=None, name="service.environment")
    service_node_name: Text | None = field(default=None, name="service.node.name")
    error_type: str | None = field(default=None, name="error.type")
    error_message: str | None = field(default=None, name="error.message")
    error_stack_trace: str | None = field(default=None, name="error.stack_trace")
    event_dataset: Text | None = field(default=None, name="event.dataset")
    process_thread_name: Text | None = field(default=None, name="process.thread.name")
    trace_id: Text | None = field(default=None, name="trace.id")
    transaction_id: Text | None = field(default=None, name="transaction.id")
    span_id: Text | None = field(default=None, name="span.id")
    ecs_version: Skipped = field(default=None, name="ecs.version")


# --------------------------------------------------------------------------------------------------------- RUM v3, 7


class RumTransaction(Transaction):
    """7.3: has no timestamp, makes no `span.id`, and an empty type stays empty. Client addresses are not looked for in its
    request headers. Its marks have their long names."""


class RumSpan(Span):
    """7.4: `start` is always there and `timestamp` never. Without a positive `sample_rate` it has no representative
    count. No target comes of its destination; its service gives a name only, and the metadata's version stays. An empty
    type becomes `unknown` only where neither subtype nor action is set."""


class RumMetricset(Known):
    """7.5: a breakdown metricset of a transaction line; its `metricset` has no name. It has `count` or `sum` or both."""

    transaction_type: str
    transaction_name: str | None = None
    span_type: str | None = None
    span_subtype: str | None = None
    count: float | None = None
    sum: float | None = None
    """µs"""


class RumError(Error):
    """7.7: makes no `span.id`. `transaction_id` is there only with `transaction`; a log's logger name is never None."""


Event = Transaction | Span | Error | Metricset | Log | RumMetricset
