"""The exact path: reads a line by the letter of intake-to-documents.md sections 3 and 8, decides alone, and words the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tidegate.workers.decode.error_rules import ERROR
from tidegate.workers.decode.event_type import event_type, quoted
from tidegate.workers.decode.fields import nested
from tidegate.workers.decode.log_rules import LOG
from tidegate.workers.decode.metadata_rules import METADATA
from tidegate.workers.decode.metricset_rules import METRICSET
from tidegate.workers.decode.model import Event, Metadata
from tidegate.workers.decode.nested_log import lift_nested
from tidegate.workers.decode.reading import Values, read_object
from tidegate.workers.decode.refusal import Refused
from tidegate.workers.decode.rules import Table
from tidegate.workers.decode.rum import rum_error, rum_events
from tidegate.workers.decode.rum_rules import RUM_ERROR, RUM_METADATA, RUM_TRANSACTION
from tidegate.workers.decode.scanner import Scanner
from tidegate.workers.decode.span_rules import SPAN
from tidegate.workers.decode.transaction_rules import TRANSACTION
from tidegate.workers.decode.validate import build, settle, validate


class _Root:
    """A type of line: its first key, the table of what stands there, and what is done before the checks and after."""

    def __init__(
        self,
        key: str,
        table: Table,
        go: str,
        prepare: Callable[[Values], None] | None = None,
        finish: Callable[[Any], Any] | None = None,
    ) -> None:
        self.key = key
        self.table = table
        self.line = Table(f"{go}Root", dict, nested(key, table, name="root", go=go.partition(".")[2].capitalize()))
        self.prepare = prepare
        self.finish = finish

    def read(self, line: bytes) -> Any:
        """What the line is built to. Raises Refused."""
        scanner = Scanner(line)
        read: Values = {}
        read_object(scanner, self.line, read)
        if scanner.error is not None:
            what = scanner.message().partition(" but found ")[0]
            raise Refused(f"decode error: data read error: {what}")
        values: Values = read.get("root", {})
        if self.prepare is not None:
            self.prepare(values)
        settle(self.table, values)
        if not values:
            raise Refused(f"validation error: '{self.key}' required")
        validate(self.table, values, self.key)
        built = build(self.table, values)
        return built if self.finish is None else self.finish(built)


def _by_key(*roots: _Root) -> dict[bytes, _Root]:
    return {root.key.encode(): root for root in roots}


_METADATA = _by_key(_Root("metadata", METADATA, "v2.metadata"), _Root("m", RUM_METADATA, "rumv3.metadata"))
_EVENTS = _by_key(
    _Root("transaction", TRANSACTION, "v2.transaction"),
    _Root("span", SPAN, "v2.span"),
    _Root("error", ERROR, "v2.error"),
    _Root("metricset", METRICSET, "v2.metricset"),
    _Root("log", LOG, "v2.log", prepare=lift_nested),
    _Root("x", RUM_TRANSACTION, "rumv3.transaction", finish=rum_events),
    _Root("e", RUM_ERROR, "rumv3.error", finish=rum_error),
)


def exact_metadata(line: bytes) -> Metadata:
    """The metadata of a stream's first line. Raises Refused."""
    root = _METADATA.get(event_type(line))
    if root is None:
        raise Refused('"metadata" or "m" required', show=bool(line))
    metadata: Metadata = root.read(line)
    return metadata


def exact_event(line: bytes) -> Event | list[Event]:
    """The event or events of a later line. Raises Refused."""
    name = event_type(line)
    root = _EVENTS.get(name)
    if root is None:
        raise Refused(f"did not recognize object type: {quoted(name)}")
    event: Event | list[Event] = root.read(line)
    return event
