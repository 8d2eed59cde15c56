"""`log`: intake-to-documents.md 4.7. Nested forms are lifted to the flat fields before anything is checked."""

from __future__ import annotations

from tidegate.workers.decode import leaves, model
from tidegate.workers.decode.fields import integer, labels, nested, text, time
from tidegate.workers.decode.nested_log import NESTED
from tidegate.workers.decode.rules import Field, Table
from tidegate.workers.decode.shared_rules import FAAS

_SERVICE, _ERROR, _EVENT, _PROCESS, _LOG = (
    "ecslogservicefields",
    "ecslogerrorfields",
    "ecslogeventfields",
    "ecslogprocessfields",
    "ecsloglogfields",
)

LOG = Table(
    "v2.log",
    model.Log,
    labels("labels"),
    text("service.name", 1024, name="service_name", group=_SERVICE),
    text("service.version", 1024, name="service_version", group=_SERVICE),
    text("service.environment", 1024, name="service_environment", group=_SERVICE),
    text("service.node.name", 1024, name="service_node_name", group=_SERVICE),
    text("error.type", name="error_type", group=_ERROR),
    text("error.message", name="error_message", group=_ERROR),
    text("error.stack_trace", name="error_stack_trace", group=_ERROR),
    text("event.dataset", 1024, name="event_dataset", group=_EVENT),
    text("process.thread.name", 1024, name="process_thread_name", group=_PROCESS),
    text("trace.id", 1024, name="trace_id"),
    text("transaction.id", 1024, name="transaction_id"),
    text("span.id", 1024, name="span_id"),
    text("message"),
    nested("faas", FAAS),
    text("log.level", 1024, name="level", group=_LOG),
    text("log.logger", 1024, name="logger", group=_LOG),
    text("log.origin.file.name", 1024, name="origin_file_name", group=_LOG),
    integer("log.origin.file.line", name="origin_file_line", group=_LOG),
    text("log.origin.function", name="origin_function", group=_LOG),
    time("@timestamp"),
    *(Field(root, root, f"Nested{root.capitalize()}", leaves.read_literals) for root in NESTED),
)
