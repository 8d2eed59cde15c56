"""All that `tidegate exposure` tells, and its form for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tidegate.cli.exposed.finding import Finding, sorted_by_severity
from tidegate.cli.exposed.limits import Limit, of_route
from tidegate.cli.exposed.rows import Row
from tidegate.cli.exposed.subject import Machine
from tidegate.daemon import __version__
from tidegate.daemon.settings import auth
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.parts import AcceptorPart


class Report(NamedTuple):
    """What was found."""

    settings: Settings
    reach: str
    """Who can reach the port, in words."""
    machine: Machine
    rows: list[Row]
    limits: list[Limit]
    findings: list[Finding]
    """The worst first."""
    store: str
    """How far the store was asked, in words."""
    server: tuple[tuple[str, str], ...] = ()
    """What was seen of the running instance: what, and how it is. Empty where none was asked for."""


def headline(settings: Settings) -> list[tuple[str, str]]:
    """What the settings say in short: names and words."""
    part = settings.acceptor_part()
    ways = [
        word
        for word, on in (
            (f"{len(part.auth.tokens)} secret token{'s' * (len(part.auth.tokens) > 1)}", part.auth.tokens),
            ("API keys", part.auth.api_keys),
            ("client certificates", part.tls is not None and part.tls.client_authentication == "required"),
        )
        if on
    ]
    tls = "none: plain HTTP"
    if part.tls is not None:
        versions = dict.fromkeys((part.tls.minimum_version, part.tls.maximum_version))
        tls = " to ".join(versions)
    return [
        ("address", ", ".join(str(address) for address in settings.listen)),
        ("TLS", tls),
        ("credentials", ", ".join(ways) or "none are asked for"),
        ("browsers", "may send" if part.browsers.enabled else "switched off"),
        ("profile", settings[auth.PROFILE]),
        ("proxies", ", ".join(part.forwarding.trusted) or "none are trusted"),
    ]


def separation(machine: Machine, part: AcceptorPart) -> list[tuple[str, str]]:
    """What keeps code that an attacker runs in an acceptor inside, and what it would find there: names and words."""
    means = [f"Landlock {machine.landlock}"] if machine.landlock else []
    means += ["seccomp"] if machine.seccomp else []
    held = ["the TLS key"] if part.tls is not None else []
    held += ["secret tokens"] if part.auth.tokens else []
    return [
        ("separation", " and ".join(means) or "none: see the findings"),
        ("acceptors hold", f"{', '.join([*held, 'requests under way'])}; nothing that opens the store"),
    ]


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower().replace(" ", "_"): words for name, words in pairs}


def document(report: Report) -> dict[str, Any]:
    """For programs (docs/exposure.md): keys are added, never renamed."""
    settings = report.settings
    worst = min(report.findings, key=lambda one: one.severity.rank, default=None)
    return {
        "version": __version__,
        "settings": str(settings.source) if settings.source else None,
        "reach": report.reach,
        "summary": _by_name([*headline(settings), *separation(report.machine, settings.acceptor_part())]),
        "routes": [
            {
                "path": row.path,
                "methods": list(row.methods),
                "without_credentials": row.strangers.value,
                "api_key": row.api_key,
                "answers_with": row.shows.value,
                "limits": of_route(report.limits, row.reads),
            }
            for row in report.rows
        ],
        "limits": [{"name": one.name, "value": one.value, "key": one.key or None} for one in report.limits],
        "store": report.store,
        "server": _by_name(report.server) if report.server else None,
        "worst": worst.severity.value if worst else None,
        "findings": [
            {
                "id": one.id,
                "severity": one.severity.value,
                "text": one.text,
                "key": one.key or None,
                "set": one.value or None,
            }
            for one in sorted_by_severity(report.findings)
        ],
    }
