"""What browsers ask before a page may send to another origin, and are told on every answer (http-surface.md 5.2)."""

from __future__ import annotations

from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.h1.responses import Answer
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.settings.origin_patterns import origin_matches, read_origin_pattern, text_matches
from tidegate.daemon.settings.parts import AcceptorPart, BrowsersPart

_PREFLIGHT = (
    ("Access-Control-Max-Age", "3600"),
    ("Vary", "Origin"),
    ("Access-Control-Allow-Methods", "POST, OPTIONS"),
    ("Access-Control-Expose-Headers", "Etag"),
)
"""3600 s: how long a browser need not ask again."""
_ALLOWED_HEADERS = ("Content-Type", "Content-Encoding", "Accept")


def browser_headers(head: RequestHead, part: AcceptorPart) -> tuple[tuple[str, str], ...]:
    """What every answer on a path for browsers carries: the headers configured for them, and the allowed origin.

    No `Access-Control-Allow-Credentials`: a page's cookies are none of ours. Without an Origin no header names one
    (the original sends an empty header).
    """
    configured = part.browsers.response_headers
    lines = [(name, value) for name, values in configured.items() for value in values] if configured else []
    origin = head.text(b"origin")
    if origin and origin_is_allowed(origin, part.browsers):
        lines.append(("Access-Control-Allow-Origin", origin))
    return tuple(lines)


def ask_origin(head: RequestHead, part: AcceptorPart) -> Answer | None:
    """A guard that comes before authentication: a preflight ends here, as does an origin that may not send. A preflight
    from such an origin is answered, too: that no origin is named tells the browser."""
    if head.method == "OPTIONS":
        allowed = ", ".join((*part.browsers.allow_headers, *_ALLOWED_HEADERS))
        return Answer(RequestOutcome.OK, None, (*_PREFLIGHT, ("Access-Control-Allow-Headers", allowed)))
    origin = head.text(b"origin")
    if origin_is_allowed(origin, part.browsers):
        return None
    text = f"forbidden request: origin: '{origin}' is not allowed"
    return Answer(RequestOutcome.FORBIDDEN, text, detail=text)


def origin_is_allowed(origin: str, part: BrowsersPart) -> bool:
    """Whether pages of the origin ("": the request names none) may send."""
    if part.match_origins == "text":
        return any(text_matches(pattern, origin) for pattern in part.allow_origins)
    patterns = map(read_origin_pattern, part.allow_origins)
    return any(pattern is not None and origin_matches(pattern, origin) for pattern in patterns)
