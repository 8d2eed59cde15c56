"""Reasons to refuse a request before its body is read: pure functions of head and settings, asked in a route's order."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import CONNECTION_CLOSE, Answer
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.settings.parts import AcceptorPart

Guard = Callable[[RequestHead, AcceptorPart], Answer | None]
"""Returns the refusal, or None to let the request pass."""


def reads_only(head: RequestHead, part: AcceptorPart) -> Answer | None:
    """For `/`: GET and HEAD (http-surface.md 1.5)."""
    if head.method in ("GET", "HEAD"):
        return None
    text = (
        "method not supported: this is the server information endpoint; "
        "did you mean to send data to another endpoint instead?"
    )
    return Answer(RequestOutcome.METHOD_NOT_ALLOWED, text, detail=text)


def _refusal(outcome: RequestOutcome, message: str) -> Answer:
    """A refusal in the form of intake's answers."""
    return Answer(outcome, {"accepted": 0, "errors": [{"message": message}]}, CONNECTION_CLOSE, detail=message)


def browsers_may_send(head: RequestHead, part: AcceptorPart) -> Answer | None:
    """For paths of browsers: whether they are switched on (http-surface.md 5.1). Stands after authentication, as in the
    original: who may not call at all learns nothing else."""
    if part.browsers.enabled:
        return None
    text = (
        "forbidden request: RUM endpoint is disabled. Configure the `apm-server.rum` section in apm-server.yml to enable "
        "ingestion of RUM events. If you are not using the RUM agent, you can safely ignore this error."
    )
    return Answer(RequestOutcome.FORBIDDEN, text, detail=text)


def events_are_posted(head: RequestHead, part: AcceptorPart) -> Answer | None:
    """For intake: POST, else 400 and not 405, as in the original (http-surface.md 2.5)."""
    if head.method == "POST":
        return None
    return _refusal(RequestOutcome.METHOD_REFUSED, "only POST requests are supported")


def events_are_ndjson(head: RequestHead, part: AcceptorPart) -> Answer | None:
    """For intake: no Content-Type, or one that names application/x-ndjson (http-surface.md 2.1)."""
    value = head.headers.get(b"content-type")
    if not value or b"application/x-ndjson" in value:
        return None
    return _refusal(RequestOutcome.INVALID, f"invalid content type: '{head.text(b'content-type')}'")
