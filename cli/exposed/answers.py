"""What the answers of a running server tell, compared with the route table of the settings. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tidegate.cli.exposed.calls import Answered
from tidegate.cli.exposed.finding import Finding, Severity
from tidegate.cli.exposed.rows import Row, Strangers
from tidegate.daemon.api.routes import Shows
from tidegate.daemon.settings import auth, rum, server

_REFUSALS = (401, 403)
_LEADS_NOWHERE = (307, 400, 404, 405)
_CLOSED = (Strangers.REFUSED, Strangers.OFF)
_TELLS_A_PROXY = ("via", "server", "x-powered-by")


def compare(
    rows: Iterable[Row], answers: Iterable[Answered], *, any_origin: bool, protected: bool
) -> Iterator[Finding]:
    """Where the server lets in, or tells, more than the settings say, or less."""
    by_path = {row.path: row for row in rows}
    for one in answers:
        row = by_path.get(one.call.path)
        if row is None:
            yield from _neighbour(one)
        elif one.call.origin:
            yield from _foreign(one, any_origin=any_origin)
        elif one.call.method not in ("OPTIONS", "TRACE") and one.call.method in row.methods:
            yield from _stranger(one, row, protected=protected)
        if one.call.method == "TRACE" and one.status == 200:
            yield Finding(
                "trace-answers", Severity.MEDIUM, f"{one.call} is answered: it echoes headers, secrets among them"
            )


def _neighbour(one: Answered) -> Iterator[Finding]:
    if one.status in _LEADS_NOWHERE or one.status in _REFUSALS:
        return
    yield Finding(
        "unknown-path-answers",
        Severity.HIGH,
        f"{one.call} is answered with {one.status}, and Tidegate has no such path: something else shares this address",
        "",
        "let the proxy pass the paths of the table and no others",
    )


def _foreign(one: Answered, *, any_origin: bool) -> Iterator[Finding]:
    if one.status in _REFUSALS or any_origin:
        return
    yield Finding(
        "foreign-origin-let-in",
        Severity.HIGH,
        f"a page of any origin may send: {one.call} is answered with {one.status}, and the settings refuse it",
        rum.ALLOW_ORIGINS.key,
        "restart Tidegate, if the settings have changed; look for a proxy that takes `Origin` away",
    )


def _stranger(one: Answered, row: Row, *, protected: bool) -> Iterator[Finding]:
    refused = one.status in _REFUSALS
    if one.call.credential:
        # Of an address that has tried too many wrong ones, 429 is a refusal, too.
        let_in = not refused and one.status != 429 and row.shows is not Shows.SERVER
        if protected and row.strangers is not Strangers.YES and let_in:
            yield _more(one, "a wrong token is let in")
        return
    if row.shows is Shows.SERVER:
        if row.strangers is Strangers.EMPTY and version_in(one.body):
            yield _more(one, "the version is shown to strangers")
        return
    if row.strangers in _CLOSED and not refused:
        yield _more(one, f"strangers are let in ({one.status})")
    elif row.strangers is Strangers.YES and refused and one.call.method in row.methods:
        yield _less(one)


def _more(one: Answered, what: str) -> Finding:
    return Finding(
        "more-than-the-settings-say",
        Severity.CRITICAL,
        f"{one.call}: {what}, and the settings refuse it: a token is not in force, or a proxy adds one",
        auth.SECRET_TOKEN.key,
        "restart Tidegate, if the settings have changed; then look at the proxy in front",
    )


def _less(one: Answered) -> Finding:
    return Finding(
        "less-than-the-settings-say",
        Severity.NOTE,
        f"{one.call} is refused with {one.status}, and the settings let it in: other settings are in force, or a proxy asks",
        server.HOST.key,
    )


def version_in(body: bytes) -> str:
    """The version that `/` tells, or an empty text."""
    try:
        told: Any = json.loads(body)
    except ValueError:
        return ""
    return str(told.get("version", "")) if isinstance(told, dict) else ""


def proxy_in(answers: Iterable[Answered]) -> str:
    """A header that says who else is on the way, or an empty text: Tidegate sends none of these."""
    for one in answers:
        for name in _TELLS_A_PROXY:
            if name in one.headers:
                return f"{name}: {one.headers[name][:60]}"
    return ""
