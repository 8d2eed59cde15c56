"""`error`: intake-to-documents.md 4.5."""

from __future__ import annotations

from tidegate.workers.decode import model, rules
from tidegate.workers.decode.fields import anything, flag, free, nested, nested_list, text, text_with, time
from tidegate.workers.decode.rules import Table
from tidegate.workers.decode.shared_rules import CONTEXT, FRAME

_EXCEPTION = Table("v2.errorException", model.ExceptionInfo, one_of=("message", "type"))
_EXCEPTION.declare(
    anything("code", rules.longest(1024), rules.text_or_integer),
    nested_list("cause", _EXCEPTION),
    nested_list("stacktrace", FRAME),
    text("module", 1024),
    text("type", 1024),
    text("message"),
    free("attributes"),
    flag("handled"),
)

_LOG = Table(
    "v2.errorLog",
    model.ErrorLog,
    text("level", 1024),
    text("logger_name", 1024),
    text("message", required=True),
    text("param_message", 1024),
    nested_list("stacktrace", FRAME),
)

ERROR = Table(
    "v2.errorEvent",
    model.Error,
    nested("log", _LOG),
    text("culprit", 1024),
    text("id", 1024, required=True),
    text_with("parent_id", ("transaction_id", "trace_id")),
    text_with("trace_id", ("transaction_id", "parent_id")),
    text("transaction_id", 1024),
    nested("exception", _EXCEPTION),
    nested(
        "transaction",
        Table(
            "v2.errorTransactionRef", model.ErrorTransaction, text("name", 1024), text("type", 1024), flag("sampled")
        ),
    ),
    nested("context", CONTEXT),
    time(),
    one_of=("exception", "log"),
)
