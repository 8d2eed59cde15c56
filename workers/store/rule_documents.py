"""Rules as they are stored: the documents of `.apm-agent-configuration`, written by Kibana or by us (http-surface.md 6.3). Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from tidegate.workers.store.rules import Rule

INDEX = ".apm-agent-configuration"
LARGEST_RULE = 32 << 10
"""Bytes of a rule's texts. Kibana knows some sixty settings of a few letters; an answer to an acceptor is bounded, too."""
MOST_RULES = 20_000
"""Rules in use: 200 pages of a search, some 10 MiB."""


def rule_of(document: Mapping[str, Any]) -> Rule | None:
    """The rule of a stored document; None if it is larger than `LARGEST_RULE`."""
    service = document.get("service")
    service = service if isinstance(service, Mapping) else {}
    stored = document.get("settings")
    settings = None
    if isinstance(stored, Mapping):
        texts = {str(name): text for name, value in stored.items() if (text := _text(value)) is not None}
        settings = dict(sorted(texts.items()))
    rule = Rule(
        _text(service.get("name")) or "",
        _text(service.get("environment")) or "",
        _text(document.get("agent_name")) or "",
        settings,
        _text(document.get("etag")) or "",
    )
    return rule if len(msgspec.json.encode(rule)) <= LARGEST_RULE else None


def document_of(rule: Rule, now_ms: int) -> dict[str, Any]:
    """The document of a rule, as Kibana writes it. `now_ms`: milliseconds since the epoch."""
    pairs = {"name": rule.service, "environment": rule.environment}
    document: dict[str, Any] = {
        "@timestamp": now_ms,
        "service": {name: text for name, text in pairs.items() if text},
        "settings": rule.settings or {},
        "etag": rule.etag,
        "applied_by_agent": False,
    }
    if rule.agent_name:
        document["agent_name"] = rule.agent_name
    return document


def etag_of(service: str, environment: str, agent_name: str, settings: Mapping[str, str]) -> str:
    """40 hex digits that change with the rule, and with nothing else; servers and agents only compare them."""
    content = msgspec.json.encode([service, environment, agent_name, sorted(settings.items())])
    return hashlib.sha256(content).hexdigest()[:40]


MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "dynamic_templates": [
        {"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}}
    ],
    "properties": {
        "@timestamp": {"type": "date"},
        "service": {"properties": {"name": {"type": "keyword"}, "environment": {"type": "keyword"}}},
        "settings": {"type": "object", "enabled": True, "dynamic": True},
        "applied_by_agent": {"type": "boolean"},
        "agent_name": {"type": "keyword"},
        "etag": {"type": "keyword"},
    },
}
"""Of the index, where Kibana has not made it; as Kibana does."""


def _text(value: object) -> str | None:
    """A stored text; numbers and booleans as JSON writes them, since agents read texts."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode() if isinstance(value, bool | int | float) else None
