"""All rules over settings and machine, in the order in which their findings are shown where they are equally bad. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tidegate.cli.exposed import access_rules, machine_rules, port_rules, store_rules
from tidegate.cli.exposed.finding import Finding
from tidegate.cli.exposed.subject import Subject


def _connections(subject: Subject) -> Iterator[Finding]:
    for client in store_rules.clients(subject.settings):
        yield from store_rules.connection(client)


RULES: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    access_rules.credentials,
    access_rules.tokens,
    access_rules.strangers,
    port_rules.encryption,
    machine_rules.certificates,
    port_rules.addresses,
    port_rules.pages,
    port_rules.amounts,
    machine_rules.files,
    machine_rules.separation,
    _connections,
    port_rules.habits,
)


def apply(subject: Subject) -> Iterator[Finding]:
    """Everything that the rules say."""
    for rule in RULES:
        yield from rule(subject)
