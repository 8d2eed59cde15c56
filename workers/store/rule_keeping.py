"""Changing rules where they are kept, in the form in which Kibana keeps them, for `tidegate agent-config`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tidegate.daemon.settings.parts import AgentConfigPart
from tidegate.workers.store.local_rules import changing, read_documents
from tidegate.workers.store.rule_documents import INDEX, MAPPINGS, document_of, rule_of
from tidegate.workers.store.rules import Rule
from tidegate.workers.store.source import CannotRead, NothingKept

Edit = Callable[[Rule | None], Rule | None]
"""From the rule that is there to the one that is to be there; None: none."""

WRITE_ROLE: dict[str, Any] = {
    "indices": [
        {
            "names": [INDEX],
            "privileges": ["read", "write", "create_index", "maintenance"],
            "allow_restricted_indices": True,
        }
    ]
}
"""What changing rules takes; the daemon itself only reads them."""


class Change(NamedTuple):
    """What a change did."""

    before: Rule | None
    after: Rule | None


class CannotChange(Exception):
    """The rule was not changed; the message says why."""


class RuleKeeper(Protocol):
    """Every method may raise CannotRead and CannotChange."""

    where: str
    """For a person."""

    def documents(self) -> list[dict[str, Any]]:
        """All rules as they are kept."""

    def change(self, service: str, environment: str, edit: Edit) -> Change:
        """Changes the rule for exactly this pair (empty: any)."""

    def close(self) -> None:
        """Ends connections."""


class LocalKeeper:
    """Rules in the file beside the local store."""

    def __init__(self, file: Path) -> None:
        self.where = str(file)
        self._file = file

    def documents(self) -> list[dict[str, Any]]:
        """See `RuleKeeper`."""
        return read_documents(self._file)

    def change(self, service: str, environment: str, edit: Edit) -> Change:
        """See `RuleKeeper`; other writers wait."""
        with changing(self._file) as documents:
            same = [number for number, one in enumerate(documents) if _is_for(one, service, environment)]
            before = rule_of(documents[same[0]]) if same else None
            after = edit(before)
            if after != before:
                kept = [one for number, one in enumerate(documents) if number not in same]
                documents[:] = kept if after is None else [*kept, document_of(after, _now_ms())]
        return Change(before, after)

    def close(self) -> None:
        """Nothing is open."""


class ClusterKeeper:
    """Rules in Elasticsearch."""

    def __init__(self, part: AgentConfigPart) -> None:
        """Raises CannotChange for TLS settings that cannot be used."""
        # The client takes a third of a second, which a command with the local store need not wait.
        from tidegate.workers.store.cluster_rules import ClusterRules  # noqa: PLC0415 - see above

        if part.elasticsearch is None:
            raise CannotChange("these settings name no Elasticsearch")
        try:
            self._source = ClusterRules(part.elasticsearch, part.interval)
        except (OSError, ValueError) as problem:
            raise CannotChange(f"apm-server.agent.config.elasticsearch: {problem}") from problem
        self.where = f"{INDEX} of {', '.join(part.elasticsearch.hosts)}"

    def documents(self) -> list[dict[str, Any]]:
        """See `RuleKeeper`."""
        try:
            return [one.document for one in self._source.documents()]
        except NothingKept:
            return []

    def change(self, service: str, environment: str, edit: Edit) -> Change:
        """See `RuleKeeper`. A rule keeps its id, a new one has that of its place: of two commands at a time the last wins."""
        try:
            stored = self._source.documents()
        except NothingKept:
            stored = None
        same = [one for one in stored or () if _is_for(one.document, service, environment)]
        before = rule_of(same[0].document) if same else None
        after = edit(before)
        if after == before:
            return Change(before, after)
        ids = [one.identity for one in same]
        if after is not None:
            if stored is None:
                self._make_index()
            identity = ids.pop(0) if ids else _identity(service, environment)
            self._write("PUT", f"/{INDEX}/_doc/{identity}?refresh=true", document_of(after, _now_ms()))
        for identity in ids:
            self._write("DELETE", f"/{INDEX}/_doc/{identity}?refresh=true", None)
        return Change(before, after)

    def close(self) -> None:
        """See `RuleKeeper`."""
        self._source.close()

    def _make_index(self) -> None:
        settings = {"index": {"hidden": True, "auto_expand_replicas": "0-1", "number_of_shards": 1}}
        status, answer = self._source.ask("PUT", f"/{INDEX}", {"settings": settings, "mappings": MAPPINGS})
        if status == 400 and "resource_already_exists_exception" in str(answer):
            return
        _expect(status, answer)

    def _write(self, method: str, path: str, body: dict[str, Any] | None) -> None:
        status, answer = self._source.ask(method, path, body)
        if method == "DELETE" and status == 404:
            return
        _expect(status, answer)


def open_keeper(part: AgentConfigPart) -> LocalKeeper | ClusterKeeper:
    """The place that the settings name. Raises CannotChange."""
    return LocalKeeper(Path(part.file)) if part.elasticsearch is None else ClusterKeeper(part)


def _expect(status: int, answer: Any) -> None:
    if status in (401, 403):
        raise CannotChange(
            f"Elasticsearch answers {status}: changing rules takes a user with the role that `tidegate agent-config role`"
            " prints (--as USER); even a superuser may not write to this index without it"
        )
    if not 200 <= status < 300:
        error = answer.get("error") if isinstance(answer, dict) else None
        reason = error.get("reason") if isinstance(error, dict) else None
        raise CannotChange(f"Elasticsearch answers {status}: {reason or 'no reason given'}")


def _is_for(document: dict[str, Any], service: str, environment: str) -> bool:
    rule = rule_of({"service": document.get("service")})
    return rule is not None and (rule.service, rule.environment) == (service, environment)


def _identity(service: str, environment: str) -> str:
    return f"tidegate-{hashlib.sha256(f'{service}/{environment}'.encode()).hexdigest()[:20]}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


__all__ = [
    "WRITE_ROLE",
    "CannotChange",
    "CannotRead",
    "Change",
    "ClusterKeeper",
    "LocalKeeper",
    "RuleKeeper",
    "open_keeper",
]
