"""Puts a report together: settings, machine, store, and the running instance where one is asked for."""

from __future__ import annotations

from tidegate.cli.exposed import rules
from tidegate.cli.exposed.finding import sorted_by_severity
from tidegate.cli.exposed.limits import limits
from tidegate.cli.exposed.machine_facts import look
from tidegate.cli.exposed.report import Report
from tidegate.cli.exposed.rows import rows
from tidegate.cli.exposed.running_server import Seen, see
from tidegate.cli.exposed.store_rules import clients
from tidegate.cli.exposed.subject import Subject
from tidegate.cli.exposed.walk import Server
from tidegate.daemon.settings.effective import Settings


def examine(settings: Settings, *, ask_store: bool, server: Server | None = None) -> Report:
    """The whole report; with `server`, of the running one, too."""
    subject = Subject(settings, settings.acceptor_part(), look(settings))
    findings = list(rules.apply(subject))
    store = f"the local store {settings.store_file}"
    if found := clients(settings):
        store = f"Elasticsearch at {', '.join(found[0].part.hosts)}"
        if ask_store:
            from tidegate.cli.exposed.store_answers import ask  # noqa: PLC0415 - the client takes a third of a second

            for client in (one for one in found if one.has_credentials or one is found[0]):
                findings += ask(client, settings.namespace)
            store += ", asked with the settings' own credentials"
        else:
            store += ", not asked"
    table = list(rows(subject.part))
    seen = see(server, subject, table) if server is not None else Seen([], [])
    findings += seen.findings
    return Report(
        settings=settings,
        reach=subject.reach.value,
        machine=subject.machine,
        rows=table,
        limits=list(limits(settings)),
        findings=sorted_by_severity(findings),
        store=store,
        server=tuple(seen.lines),
    )
