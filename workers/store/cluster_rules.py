"""Rules from Elasticsearch: the whole index, page by page (http-surface.md 6.3)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from elastic_transport import ConnectionTimeout, TlsError, TransportError
from tidegate.daemon import __version__
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.sinks.cluster_client import Connections, build_client, headers_of
from tidegate.workers.store.rule_documents import INDEX, MOST_RULES, rule_of
from tidegate.workers.store.rules import Rule
from tidegate.workers.store.source import CannotRead, NothingKept, NotPermitted, Reading

READING_S = 5.0
"""Longest time of one reading; it also bounds the life of the search at the cluster."""
PAGE = 100
MISSING = (
    f"Elasticsearch has no index {INDEX}: Kibana makes it when its page APM, Agent configuration is first used, and so "
    "does `tidegate agent-config set`"
)


class Stored(NamedTuple):
    """A document of the index."""

    identity: str
    document: dict[str, Any]


class ClusterRules:
    """Implements `source.RuleSource`."""

    def __init__(
        self, part: ElasticsearchPart, interval: float, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises OSError and ValueError for TLS settings that cannot be used."""
        self.interval = interval
        self._part = part
        self._monotonic = monotonic
        self._connections = Connections()
        self._client = build_client(part, __version__, self._connections)
        self._headers = headers_of(part, __version__)

    def read(self) -> Reading:
        """All rules. Raises CannotRead."""
        rules: list[Rule] = []
        stored = self.documents()
        for one in stored[:MOST_RULES]:
            rule = rule_of(one.document)
            if rule is not None:
                rules.append(rule)
        return Reading(rules, len(stored) - len(rules))

    def documents(self) -> list[Stored]:
        """The index as it is, a page more than `MOST_RULES` at most. Raises CannotRead."""
        until = self._monotonic() + READING_S
        keep = f"{int(READING_S * 1000)}ms"
        found: list[Stored] = []
        answer = self.need("POST", f"/{INDEX}/_search?scroll={keep}&size={PAGE}", None)
        scroll = answer.get("_scroll_id")
        try:
            while (page := _hits(answer)) and len(found) <= MOST_RULES:
                found += page
                if scroll is None:
                    break
                if self._monotonic() >= until:
                    raise CannotRead(f"reading all rules takes more than {READING_S:.0f} s")
                answer = self.need("POST", "/_search/scroll", {"scroll": keep, "scroll_id": scroll})
                scroll = answer.get("_scroll_id", scroll)
        finally:
            if scroll is not None:
                self._forget(scroll)
        return found

    def need(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """The answer of success. Raises CannotRead."""
        status, answer = self.ask(method, path, body)
        if status in (401, 403):
            raise NotPermitted(f"Elasticsearch answers {status}: reading needs the privilege read on {INDEX}")
        if status == 404 and INDEX in path:
            raise NothingKept(MISSING)
        if not 200 <= status < 300 or not isinstance(answer, dict):
            raise CannotRead(f"Elasticsearch answers {status}")
        return answer

    def ask(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        """Status and parsed body of an answer. Raises CannotRead where none comes."""
        headers = self._headers if body is None else self._headers | {"content-type": "application/json"}
        hosts = ", ".join(self._part.hosts)
        try:
            response = self._client.transport.perform_request(method, path, body=body, headers=headers)
        except TlsError as problem:
            raise CannotRead(f"TLS with Elasticsearch at {hosts} fails: {problem.message}") from problem
        except ConnectionTimeout as problem:
            raise CannotRead(f"no answer from Elasticsearch at {hosts} in time") from problem
        except TransportError as problem:
            raise CannotRead(f"Elasticsearch at {hosts} cannot be asked: {problem.message}") from problem
        return response.meta.status, response.body

    def close(self) -> None:
        """Cuts all connections."""
        self._connections.close()
        self._client.close()

    def _forget(self, scroll: str) -> None:
        """Frees the search; if that fails it ends by itself after `READING_S`."""
        try:
            self.ask("DELETE", "/_search/scroll", {"scroll_id": [scroll]})
        except CannotRead:
            return


def _hits(answer: dict[str, Any]) -> list[Stored]:
    """The documents of a page. Raises CannotRead when the answer is no page."""
    hits = answer.get("hits")
    hits = hits.get("hits") if isinstance(hits, dict) else None
    if not isinstance(hits, list):
        raise CannotRead("the answer is not that of Elasticsearch to a search")
    return [
        Stored(str(hit.get("_id")), hit["_source"])
        for hit in hits
        if isinstance(hit, dict) and isinstance(hit.get("_source"), dict)
    ]
