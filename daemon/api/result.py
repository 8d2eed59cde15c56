"""What became of a stream, gathered from verdicts, and the answer that says so (http-surface.md 2.5)."""

from __future__ import annotations

from typing import NamedTuple

from tidegate.daemon.api.logged_text import without_content
from tidegate.daemon.h1.request_head import wire_text
from tidegate.daemon.h1.responses import ACCEPTED, CONNECTION_CLOSE, Answer
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.wire.frames import LISTED_ERRORS, StreamError, Verdict

LOGGED_TEXT = 256
"""Letters of each error's text in the request log, where six of them may stand in one line."""

TOO_LONG = "event exceeded the permitted size"

_BY_STATUS = {
    400: RequestOutcome.INVALID,
    403: RequestOutcome.FORBIDDEN,
    429: RequestOutcome.RATE_LIMITED,
    500: RequestOutcome.INTERNAL,
    503: RequestOutcome.QUEUE_FULL,
}

TIMED_OUT = Answer(
    RequestOutcome.TIMED_OUT, RequestOutcome.TIMED_OUT.value.message, detail=RequestOutcome.TIMED_OUT.value.message
)
"""The other form: the body was lost, or the answer came too late."""


class _Listed(NamedTuple):
    """An error with its place; tuples of the places sort as the lines do in the body."""

    batch: int
    line: int
    """-1: a line that is too long, taken out between the batch before and this one."""
    sequence: int
    message: str
    document: bytes


class Result:
    """Sums up one stream."""

    __slots__ = ("_ended", "_ended_at", "_errors", "_sequence", "accepted", "echoed", "failed", "retry_after")

    def __init__(self) -> None:
        self.accepted = 0
        self.failed = 0
        self.retry_after = 0
        """Seconds, sent with a 503; 0 for none."""
        self.echoed = 0
        """Bytes of documents that the answer is to show."""
        self._errors: list[_Listed] = []
        self._sequence = 0
        self._ended: tuple[StreamError, RequestOutcome] | None = None
        self._ended_at = 0

    @property
    def ended(self) -> bool:
        """Whether the stream has its own error, after which nothing more of it is read."""
        return self._ended is not None

    def add(self, number: int, verdict: Verdict, document_bytes: int) -> None:
        """Counts the verdict on batch `number`; they may come in any order. Of each document `document_bytes` are kept."""
        self.accepted += verdict.accepted
        self.failed += verdict.failed
        for error in verdict.errors:
            self._list(number, verdict.first_line + error.line, error.message, error.document[:document_bytes])
        if verdict.ended is not None:
            self.end(number, verdict.ended)

    def add_too_long(self, number: int, beginning: bytes, document_bytes: int) -> None:
        """Counts a line that stood just before batch `number` and is too long."""
        self.failed += 1
        self._list(number, -1, TOO_LONG, beginning[:document_bytes])

    def end(self, number: int, error: StreamError, outcome: RequestOutcome | None = None) -> None:
        """Notes the stream's own error; that of the first batch counts."""
        if self._ended is None or number < self._ended_at:
            found = _BY_STATUS.get(error.status, RequestOutcome.INTERNAL) if outcome is None else outcome
            if found is RequestOutcome.QUEUE_FULL:
                error = StreamError(error.status, queue_full(error.message), error.document)
            self._ended = (error, found)
            self._ended_at = number

    def _list(self, number: int, line: int, message: str, document: bytes) -> None:
        errors = self._errors
        errors.append(_Listed(number, line, self._sequence, message, document))
        self._sequence += 1
        self.echoed += len(document)
        if len(errors) > LISTED_ERRORS:
            errors.sort()
            self.echoed -= len(errors.pop().document)

    def answer(self, verbose: bool, document_bytes: int) -> Answer:
        """The answer to the client, with `document_bytes` of each document at most."""
        if not self._errors and self._ended is None:
            return Answer(RequestOutcome.ACCEPTED, {"accepted": self.accepted}) if verbose else ACCEPTED
        listed = [(error.message, error.document) for error in sorted(self._errors)]
        outcome = RequestOutcome.ACCEPTED
        if listed:
            outcome = RequestOutcome.TOO_LARGE if listed[0][0] == TOO_LONG else RequestOutcome.INVALID
        if self._ended is not None:
            error, ended = self._ended
            listed.append((error.message, error.document))
            if ended.value.status > outcome.value.status:
                outcome = ended
        entries = [
            {"message": message, "document": wire_text(document[:document_bytes])} if document else {"message": message}
            for message, document in listed
        ]
        headers: tuple[tuple[str, str], ...] = CONNECTION_CLOSE
        if self.retry_after and outcome is RequestOutcome.QUEUE_FULL:
            headers = (*CONNECTION_CLOSE, ("Retry-After", str(self.retry_after)))
        detail = ", ".join(without_content(message)[:LOGGED_TEXT] for message, _ in listed)
        return Answer(outcome, {"accepted": self.accepted, "errors": entries}, headers, detail=detail)


def queue_full(reason: str) -> str:
    """The original's text with the reason in words after it, once."""
    if reason.startswith("cannot handle stream: "):
        return reason
    text = "cannot handle stream: cannot process batch: queue is full"
    return f"{text}: {reason}" if reason else text
