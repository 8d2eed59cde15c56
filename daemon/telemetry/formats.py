"""The two forms of a log line: ECS JSON, and one for a person at a terminal. Nobody's text can begin a line of its own.

A record may carry `ecs`, a flat dict of dotted ECS field names, and `repeats`, how often it happened since it was last
said; nothing else of the record but time, level, logger, message and exception is written.
"""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

ECS_VERSION = "8.11.0"

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NEEDS_QUOTES = re.compile(r'[\s"=]|^$')
_MOST_CAUSES = 10
"""Exceptions of a chain that are told; a longer one is a circle, or hides what began it."""


def printable(text: str) -> str:
    r"""The text with control characters, line separators and bidirectional overrides as \uXXXX, safe for a terminal."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def message_of(record: logging.LogRecord) -> str:
    """The record's message, and how often it happened if more than once."""
    repeats = getattr(record, "repeats", 1)
    message = record.getMessage()
    return f"{message} ({repeats} times since it was last said)" if repeats > 1 else message


def trace_of(error: BaseException, *, whole: bool) -> str:
    """Where the exception and its causes came from. Only with `whole` what they say: `KeyError: 'a name'` or
    `invalid literal for int(): 'a value'` may quote an event; errors of the system do not."""
    if whole:
        return "".join(traceback.format_exception(error)).rstrip("\n")
    chain = [error]
    while len(chain) < _MOST_CAUSES:
        last = chain[-1]
        cause = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if cause is None:
            break
        chain.append(cause)
    told = []
    for one in reversed(chain):
        said = f": {one.strerror}" if isinstance(one, OSError) and one.strerror else ""
        told.append("".join(traceback.format_tb(one.__traceback__)) + type(one).__qualname__ + said)
    return "\nwhich led to\n".join(told)


class _Format(logging.Formatter):
    def __init__(self, process_name: str, *, whole_traces: Callable[[], bool]) -> None:
        super().__init__()
        self._process_name = process_name
        self._whole_traces = whole_traces

    def _trace(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return "" if error is None else trace_of(error, whole=self._whole_traces())


class JsonFormatter(_Format):
    """One ECS document a line."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        document: dict[str, object] = {
            "@timestamp": when.replace("+00:00", "Z"),
            "log.level": record.levelname.lower(),
            "message": message_of(record),
            "ecs.version": ECS_VERSION,
            "log.logger": record.name,
            "service.name": "tidegate",
            "process.name": self._process_name,
            "process.pid": record.process,
        }
        document.update(getattr(record, "ecs", {}))
        if trace := self._trace(record):
            document["error.stack_trace"] = trace
        try:
            line = orjson.dumps(document, default=str).decode("utf-8")
        except TypeError:  # half of a surrogate pair, as in names of files that are no UTF-8
            line = json.dumps(document, default=str)
        # JSON itself lets DEL, C1 controls (one of them begins an escape sequence) and line separators through
        return line if line.isascii() and "\x7f" not in line else printable(line)


class HumanFormatter(_Format):
    """`12:30:01 warning supervisor: text key=value`; lines of a trace are indented."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        details = "".join(f" {key}={_value(value)}" for key, value in getattr(record, "ecs", {}).items())
        line = f"{clock} {record.levelname.lower():7} {self._process_name}: {printable(message_of(record) + details)}"
        if trace := self._trace(record):
            line += "".join(f"\n    {printable(part)}" for part in trace.split("\n"))
        return line


def _value(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if _NEEDS_QUOTES.search(text) else text
