"""Looks at the running server: walks its routes, and its processes where they are on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import NamedTuple

from tidegate.cli.exposed import instance_rules, machine_rules
from tidegate.cli.exposed.answers import compare, proxy_in, version_in
from tidegate.cli.exposed.calls import Answered, Call, calls
from tidegate.cli.exposed.finding import Finding, Severity
from tidegate.cli.exposed.instance import processes_of, supervisor_of
from tidegate.cli.exposed.rows import Row
from tidegate.cli.exposed.subject import Subject
from tidegate.cli.exposed.walk import Server, Spoken, Unreachable, wrong_token

ROOT = Call("GET", "/")
MOST_SILENT = 20
"""Calls without an answer: a method that a proxy cuts off, on each path. Each may cost five seconds of waiting."""


class Seen(NamedTuple):
    """What was seen."""

    lines: list[tuple[str, str]]
    """What, and how it is, in words."""
    findings: list[Finding]


def see(server: Server, subject: Subject, rows: Sequence[Row]) -> Seen:
    """All of it; a finding of its own where nobody answers."""
    lines, findings = [("address", server.url)], list[Finding]()
    try:
        spoken = server.spoken()
        with closing(server):
            answers = _walk(server, calls(rows, wrong_token(), browsers=subject.part.browsers.enabled))
    except Unreachable as problem:
        text = f"the running server could not be asked: {problem}"
        findings.append(Finding("server-not-checked", Severity.NOTE, text, "", "--server URL with its address"))
    else:
        lines += _spoken(spoken, answers)
        findings += _of_connection(spoken, subject)
        any_origin = "*" in subject.part.browsers.allow_origins
        findings += compare(rows, answers, any_origin=any_origin, protected=subject.is_protected)
    supervisor = supervisor_of(subject.settings.path_data)
    if supervisor is None:
        lines.append(("processes", f"none to be seen with path.data {subject.settings.path_data}"))
    else:
        found = processes_of(supervisor)
        lines.append(("acceptors", instance_rules.in_words(found)))
        findings += instance_rules.processes(found)
    return Seen(lines, findings)


def _walk(server: Server, asked: Iterable[Call]) -> list[Answered]:
    """The answers; a proxy may cut some methods off. Raises Unreachable, for `/` or for too many."""
    answers = [server.call(ROOT)]
    silent = 0
    for one in asked:
        try:
            answers.append(server.call(one))
        except Unreachable:
            silent += 1
            if silent > MOST_SILENT:
                raise
    return answers


def _spoken(spoken: Spoken, answers: Sequence[Answered]) -> list[tuple[str, str]]:
    root = answers[0]
    lines = [("spoken", spoken.tls or "plain HTTP")]
    if spoken.expiry is not None:
        lines.append(("certificate", f"ends in {spoken.expiry.days:.0f} days"))
    lines.append(("version", f"{version_in(root.body)}, shown to strangers" if version_in(root.body) else "not shown"))
    lines.append(("proxy", proxy_in(answers) or "none that shows itself"))
    lines.append(("requests", f"{len(answers)}, none with a good credential"))
    return lines


def _of_connection(spoken: Spoken, subject: Subject) -> list[Finding]:
    findings = list(machine_rules.expiry(spoken.expiry)) if spoken.expiry is not None else []
    if subject.part.tls is not None and not spoken.tls:
        findings.append(
            Finding(
                "plain-http-served",
                Severity.CRITICAL,
                "the settings say TLS, and this address speaks plain HTTP: tokens and events can be read on the way",
                "apm-server.ssl.enabled",
                "the address with https, or look at the proxy in front",
            )
        )
    return findings
