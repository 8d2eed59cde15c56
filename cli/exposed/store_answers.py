"""Asks Elasticsearch what the settings' own credentials may do there. It stores and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from msgspec.structs import replace
from tidegate.cli.exposed import store_rules
from tidegate.cli.exposed.finding import Finding
from tidegate.cli.exposed.store_rules import Client
from tidegate.cli.setup_cluster import Cluster, SetupFailed, refusal
from tidegate.workers.setup.templates import Request

LONGEST_S = 5.0
"""For connecting, and for each of two answers, which cost a cluster milliseconds."""
_AUTHENTICATE = Request("GET", "/_security/_authenticate", None)
_SECURITY_OFF = (400, 404, 405, 500)
"""How versions and distributions answer where security is off."""


def ask(client: Client, namespace: str) -> Iterator[Finding]:
    """What its answers tell; a finding of its own where there are none."""
    part = replace(client.part, connect_timeout=min(client.part.connect_timeout, LONGEST_S), response_timeout=LONGEST_S)
    try:
        with closing(Cluster(part)) as cluster:
            question = Request("POST", "/_security/user/_has_privileges", dict(store_rules.question(namespace)))
            status, privileges = cluster.ask(question)
            user: Any = cluster.ask(_AUTHENTICATE)[1] if status == 200 else None
    except SetupFailed as problem:
        yield store_rules.not_checked(client.name, str(problem))
        return
    if status in _SECURITY_OFF:
        yield store_rules.security_off(client.name)
    elif status != 200:
        yield store_rules.not_checked(client.name, refusal(status, privileges))
    else:
        yield from store_rules.rights(privileges, user, client.name)
