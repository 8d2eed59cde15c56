"""The accept path: typed decoding for what agents send all day, with the checks that types cannot express.

It only ever says yes. Whatever it does not take, for any reason, is None here and goes to the exact path. What it takes, the
exact path takes with the same event; the one exception is an object that stands twice in a line (section 3: they
merge; here the last one wins).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from msgspec import UNSET, MsgspecError
from msgspec.json import Decoder
from tidegate.workers.decode.model import (
    SERVICE_NAME,
    Context,
    DroppedSpans,
    Error,
    Event,
    EventService,
    ExceptionInfo,
    Experience,
    Frame,
    Known,
    Log,
    Metadata,
    Metricset,
    MetricSpan,
    MetricTransaction,
    NameVersion,
    Origin,
    Request,
    Response,
    Span,
    SpanHttpResponse,
    Target,
    Transaction,
    Url,
    User,
)
from tidegate.workers.decode.nested_log import lift_nested_log
from tidegate.workers.decode.times import parse_time

NESTED_CAUSES = 100
"""Causes within causes that are taken: far above what agents send, far below what would exhaust Python's stack here or
in whatever walks the event afterwards."""

_KNOWN_NAMES = 1024
"""Service names remembered as good: more than one worker sees services at a time, and small."""

_SURE_DIGITS = 19
"""A port of fewer digits than this fits 64 bits; the exact path looks at the others."""

_DISCRIMINATOR = 8
"""Bytes of a line that tell the event types apart: `{"span":`."""


class _MetadataLine(Known):
    metadata: Metadata


class _TransactionLine(Known):
    transaction: Transaction


class _SpanLine(Known):
    span: Span


class _ErrorLine(Known):
    error: Error


class _MetricsetLine(Known):
    metricset: Metricset


class _LogLine(Known):
    log: Log


class _NotTaken(Exception):
    """The exact path is to look at this line."""


# ------------------------------------------------------------------------------------------------------- the checks

_matches_service_name = re.compile(SERVICE_NAME).match
_good_names: set[str] = {""}

_NO_USER, _NO_RESPONSE, _NO_SPAN_RESPONSE, _NO_URL = User(), Response(), SpanHttpResponse(), Url()
_NO_EXPERIENCE, _NO_METRIC_SPAN, _NO_METRIC_TRANSACTION = Experience(), MetricSpan(), MetricTransaction()
_NO_ORIGIN, _NO_TARGET, _NO_FRAMEWORK, _NO_DROPPED, _NO_LOG = Origin(), Target(), NameVersion(), DroppedSpans(), Log()
"""An object in which nothing is set counts as absent. Where presence by itself has a meaning, these tell it."""


def _check_service(service: EventService) -> None:
    name = service.name
    if name is not None and name not in _good_names:
        if _matches_service_name(name) is None:
            raise _NotTaken
        if len(_good_names) >= _KNOWN_NAMES:
            _good_names.clear()
            _good_names.add("")
        _good_names.add(name)
    if service.origin == _NO_ORIGIN:
        service.origin = None
    if service.target == _NO_TARGET:
        service.target = None
    if service.framework == _NO_FRAMEWORK:
        service.framework = None


def _check_request(request: Request) -> None:
    url = request.url
    if url is not None:
        port = url.port
        if type(port) is str:
            if not (port.isascii() and port.isdigit() and len(port) < _SURE_DIGITS):
                raise _NotTaken
        elif url == _NO_URL:
            request.url = None


def _check_context(context: Context) -> None:
    if context.service is not None:
        _check_service(context.service)
    user = context.user
    if user is not None:
        user.is_authenticated = None
        if user == _NO_USER:
            context.user = None
    if context.request is not None:
        _check_request(context.request)
    response = context.response
    if response is not None and not response.headers:
        response.headers = None
        if response == _NO_RESPONSE:
            context.response = None


def _check_frames(frames: list[Frame]) -> None:
    for frame in frames:
        if frame.filename is None and frame.classname is None:
            raise _NotTaken


def _check_exception(exception: ExceptionInfo, causes_left: int) -> None:
    if exception.message is None and exception.type is None:
        raise _NotTaken
    if exception.stacktrace is not None:
        _check_frames(exception.stacktrace)
    if exception.cause is not None:
        if not causes_left:
            raise _NotTaken
        for cause in exception.cause:
            _check_exception(cause, causes_left - 1)


def _check_transaction(transaction: Transaction, line: bytes) -> None:
    if type(transaction.timestamp) is str:
        transaction.timestamp = parse_time(transaction.timestamp)
    if transaction.context is not None:
        _check_context(transaction.context)
    if transaction.experience is not None and transaction.experience == _NO_EXPERIENCE:
        transaction.experience = None
    if transaction.dropped_spans_stats is not None and not all(map(_is_dropped, transaction.dropped_spans_stats)):
        raise _NotTaken


def _is_dropped(stats: DroppedSpans) -> bool:
    """Anything is set. Durations go to the exact path when they are empty themselves."""
    duration = stats.duration
    if duration is None:
        return stats != _NO_DROPPED
    return duration.count is not None or (duration.sum is not None and duration.sum.us is not None)


def _check_span(span: Span, line: bytes) -> None:
    timestamp = span.timestamp
    if timestamp is None:
        if span.start is None:
            raise _NotTaken
    elif type(timestamp) is str:
        span.timestamp = parse_time(timestamp)
    if span.stacktrace is not None:
        _check_frames(span.stacktrace)
    context = span.context
    if context is not None:
        if context.service is not None:
            _check_service(context.service)
        http = context.http
        if http is not None and http.response is not None and not http.response.headers:
            http.response.headers = None
            if http.response == _NO_SPAN_RESPONSE:
                http.response = None


def _check_error(error: Error, line: bytes) -> None:
    if type(error.timestamp) is str:
        error.timestamp = parse_time(error.timestamp)
    if error.parent_id is None:
        if error.trace_id is not None or error.transaction_id is not None:
            raise _NotTaken
    elif error.trace_id is None:
        raise _NotTaken
    if error.exception is not None:
        _check_exception(error.exception, NESTED_CAUSES)
    elif error.log is None:
        raise _NotTaken
    if error.log is not None and error.log.stacktrace is not None:
        _check_frames(error.log.stacktrace)
    if error.context is not None:
        _check_context(error.context)


def _check_metricset(metricset: Metricset, line: bytes) -> None:
    if type(metricset.timestamp) is str:
        metricset.timestamp = parse_time(metricset.timestamp)
    if b"*" in line or b"\\" in line:
        for name in metricset.samples:
            if "*" in name or '"' in name:
                raise _NotTaken
    for sample in metricset.samples.values():
        if sample.values is None and sample.counts is None:
            if sample.value is None:
                raise _NotTaken
        elif not (sample.values and sample.counts):
            raise _NotTaken
    if metricset.span is not None and metricset.span == _NO_METRIC_SPAN:
        metricset.span = None
    if metricset.transaction is not None and metricset.transaction == _NO_METRIC_TRANSACTION:
        metricset.transaction = None


def _check_log(log: Log, line: bytes) -> None:
    if type(log.timestamp) is str:
        log.timestamp = parse_time(log.timestamp)
    if log.log is not UNSET and not lift_nested_log(log, log.log):
        raise _NotTaken
    log.ecs_version = None
    if log.message is None and log == _NO_LOG:
        raise _NotTaken


# -------------------------------------------------------------------------------------------------------- the choice

_Path = tuple[Callable[[bytes], Any], Callable[[Any, bytes], None], Callable[[Any], Event]]

_TRANSACTION: _Path = (Decoder(_TransactionLine).decode, _check_transaction, attrgetter("transaction"))
_SPAN: _Path = (Decoder(_SpanLine).decode, _check_span, attrgetter("span"))
_ERROR: _Path = (Decoder(_ErrorLine).decode, _check_error, attrgetter("error"))
_METRICSET: _Path = (Decoder(_MetricsetLine).decode, _check_metricset, attrgetter("metricset"))
_LOG: _Path = (Decoder(_LogLine).decode, _check_log, attrgetter("log"))

_PATHS: dict[bytes, _Path] = {
    b'{"transa': _TRANSACTION,
    b'{"span":': _SPAN,
    b'{"error"': _ERROR,
    b'{"metric': _METRICSET,
    b'{"log":{': _LOG,
    b'{"log": ': _LOG,
}
_decode_metadata = Decoder(_MetadataLine).decode
_REFUSALS = (MsgspecError, RecursionError, ValueError, _NotTaken)
"""ValueError: bytes that are no UTF-8, a time string that is no time."""


def accept_event(line: bytes) -> Event | None:
    """The event, or None: the exact path is to decide. Times that came as strings are integers (µs) afterwards."""
    path = _PATHS.get(line[:_DISCRIMINATOR])
    if path is None:
        return None
    decode, check, body_of = path
    try:
        event = body_of(decode(line))
        check(event, line)
    except _REFUSALS:
        return None
    return event


def accept_metadata(line: bytes) -> Metadata | None:
    """The metadata of a v2 line, or None: the exact path is to decide."""
    try:
        return _decode_metadata(line).metadata
    except _REFUSALS:
        return None
