"""The original's monitoring endpoint: `/`, `/state`, `/stats` with its names, for Metricbeat and scripts.

Source: http-surface.md 10.2, 10.3. Figures that Tidegate does not have are left out. Pure.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tidegate.daemon.outcomes import EventOutcome, RequestOutcome, RouteGroup
from tidegate.daemon.telemetry.balance import Totals, figure
from tidegate.daemon.telemetry.metrics import (
    BULK_BYTES,
    BULK_REQUESTS,
    BULK_RESULTS,
    DECODED,
    DOCUMENTS,
    EVENT_TYPES,
    EVENTS,
    POSTPONED,
    REQUESTS,
    SPOOLED,
    WRITTEN,
)

_GROUPS = {"server": RouteGroup.INTAKE, "acm": RouteGroup.CONFIG, "root": RouteGroup.INFO}
_VALID = {
    "ok": (RequestOutcome.OK,),
    "accepted": (RequestOutcome.ACCEPTED,),
    "notmodified": (RequestOutcome.NOT_MODIFIED,),
}
_ERRORS = {
    "forbidden": (RequestOutcome.FORBIDDEN,),
    "unauthorized": (RequestOutcome.UNAUTHORIZED,),
    "notfound": (RequestOutcome.NOT_FOUND,),
    "invalidquery": (RequestOutcome.INVALID_QUERY,),
    "toolarge": (RequestOutcome.TOO_LARGE, RequestOutcome.HEADERS_TOO_LARGE),
    "decode": (RequestOutcome.UNDECODABLE,),
    "validate": (RequestOutcome.INVALID,),
    "ratelimit": (RequestOutcome.RATE_LIMITED, RequestOutcome.TOO_MANY_FAILURES),
    "timeout": (RequestOutcome.TIMED_OUT,),
    "method": (RequestOutcome.METHOD_REFUSED, RequestOutcome.METHOD_NOT_ALLOWED),
    "queue": (RequestOutcome.QUEUE_FULL,),
    "closed": (RequestOutcome.SHUTTING_DOWN,),
    "unavailable": (RequestOutcome.UNAVAILABLE,),
}
"""Further errors are `internal`; a redirection is valid and has no name of its own."""
_NAMED = {outcome for outcomes in (*_VALID.values(), *_ERRORS.values()) for outcome in outcomes}
_STORED = (EventOutcome.INDEXED, EventOutcome.DUPLICATE, EventOutcome.FAILURE_STORE)


class Facts(NamedTuple):
    """What the settings and this machine say."""

    version: str
    """Of the original, as agents are told."""
    hostname: str
    uuid: str
    """Stays the same over restarts."""
    ephemeral_id: str
    """Of this start."""
    architecture: str
    uid: int
    gid: int
    output: str
    """elasticsearch or local"""
    rum: bool
    api_keys: bool
    tls: bool


class Usage(NamedTuple):
    """Of all processes."""

    uptime: float
    """Seconds."""
    cpu: float
    """Seconds."""
    resident: int
    """Bytes."""
    cores: int
    loads: tuple[float, float, float]


def info_page(facts: Facts) -> dict[str, Any]:
    """`/`"""
    return {
        "beat": "apm-server",
        "binary_arch": facts.architecture,
        "elastic_licensed": False,
        "ephemeral_id": facts.ephemeral_id,
        "gid": str(facts.gid),
        "hostname": facts.hostname,
        "name": facts.hostname,
        "uid": str(facts.uid),
        "uuid": facts.uuid,
        "version": facts.version,
    }


def state_page(facts: Facts) -> dict[str, Any]:
    """`/state`"""
    return {
        "apm-server": {
            "api_key": {"enabled": facts.api_keys},
            "kibana": {"enabled": False},
            "rum": {"enabled": facts.rum},
            "sampling": {"tail": {"enabled": False, "policies": 0}},
            "ssl": {"enabled": facts.tls},
        },
        "beat": {"name": facts.hostname},
        "host": {"architecture": facts.architecture, "hostname": facts.hostname},
        "management": {"enabled": False},
        "output": {"name": facts.output},
        "queue": {"name": "disk"},
        "service": {"id": facts.uuid, "name": "apm-server", "version": facts.version},
    }


def stats_page(facts: Facts, usage: Usage, totals: Totals) -> dict[str, Any]:
    """`/stats`"""
    stored = sum(figure(totals, DOCUMENTS, outcome) for outcome in _STORED)
    requests = sum(figure(totals, BULK_REQUESTS, result) for result in BULK_RESULTS)
    written, waiting = figure(totals, WRITTEN), figure(totals, SPOOLED)
    one, five, fifteen = usage.loads
    return {
        "apm-server": {
            **{name: _route(totals, group) for name, group in _GROUPS.items()},
            "processor": _processor(totals),
            "sampling": {"transactions_dropped": figure(totals, EVENTS, EventOutcome.UNSAMPLED)},
        },
        "beat": {
            "cpu": {"total": {"time": {"ms": int(usage.cpu * 1000)}, "value": int(usage.cpu * 1000)}},
            "info": {
                "ephemeral_id": facts.ephemeral_id,
                "name": "apm-server",
                "uptime": {"ms": int(usage.uptime * 1000)},
                "version": facts.version,
            },
            "memstats": {"rss": usage.resident},
        },
        "libbeat": {
            "output": {
                "events": {
                    "acked": stored,
                    "active": waiting,
                    "batches": requests,
                    "duplicates": figure(totals, DOCUMENTS, EventOutcome.DUPLICATE),
                    "failed": figure(totals, DOCUMENTS, EventOutcome.DEAD_LETTER),
                    "toomany": figure(totals, POSTPONED),
                    "total": written,
                },
                "type": facts.output,
                "write": {"bytes": figure(totals, BULK_BYTES)},
            },
            "pipeline": {"events": {"active": waiting, "total": written}},
        },
        "output": {"elasticsearch": {"bulk_requests": {"completed": requests}}},
        "system": {"cpu": {"cores": usage.cores}, "load": {"1": one, "15": fifteen, "5": five}},
    }


def _route(totals: Totals, group: RouteGroup) -> dict[str, Any]:
    def number(*outcomes: RequestOutcome) -> int:
        return sum(figure(totals, REQUESTS, group, outcome.name.lower()) for outcome in outcomes)

    valid = {name: number(*outcomes) for name, outcomes in _VALID.items()}
    valid["count"] = sum(valid.values()) + number(RequestOutcome.REDIRECTED)
    errors = {name: number(*outcomes) for name, outcomes in _ERRORS.items()}
    errors["internal"] = number(
        *(one for one in RequestOutcome if one not in _NAMED and one is not RequestOutcome.REDIRECTED)
    )
    errors["count"] = sum(errors.values())
    count = valid["count"] + errors["count"]
    return {"request": {"count": count}, "response": {"count": count, "errors": errors, "valid": valid}}


def _processor(totals: Totals) -> dict[str, Any]:
    accepted = figure(totals, EVENTS, "spooled") + figure(totals, EVENTS, EventOutcome.UNSAMPLED)
    return {
        "stream": {
            "accepted": accepted,
            "errors": {
                "invalid": figure(totals, EVENTS, EventOutcome.INVALID),
                "toolarge": figure(totals, EVENTS, EventOutcome.TOO_LARGE),
            },
        },
        **{kind: {"transformations": figure(totals, DECODED, kind)} for kind in EVENT_TYPES},
    }
