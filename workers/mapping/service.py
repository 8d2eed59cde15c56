"""The service of one event, where it differs from its stream's: intake-to-documents.md 4.1.1 and 4.4, "service.target"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tidegate.workers.decode.model import EventService, NameVersion
from tidegate.workers.enrich.environment import default_environment
from tidegate.workers.enrich.service_node import name_service_node
from tidegate.workers.mapping.memo import text_memo

if TYPE_CHECKING:
    from tidegate.workers.mapping.stream import Stream

_RESOURCE = re.compile(r"([a-z0-9]+)(?:/(\w+))?", re.ASCII)


def _inferred(resource: str) -> dict[str, str]:
    found = _RESOURCE.fullmatch(resource)
    if found is None:
        return {"type": "", "name": resource} if resource else {"type": ""}
    kind, name = found.groups()
    return {"type": kind, "name": name} if name else {"type": kind}


inferred_target = text_memo(_inferred)
"""`span.destination.service.resource` → `service.target`. Shared: not to be changed."""


def add_service(document: dict[str, Any], sent: EventService, stream: Stream) -> None:
    """Writes `service` and `agent` with the leaves that the event sets over those of its stream."""
    service = _with_leaves(sent, stream)
    if service != stream.service:
        document["service"] = service
        complete_service(document, stream)
    agent = sent.agent
    if agent is not None and (agent.name is not None or agent.version is not None or agent.ephemeral_id is not None):
        mapped = document["agent"] = dict(stream.agent)
        put(mapped, "name", agent.name)
        put(mapped, "version", agent.version)
        put(mapped, "ephemeral_id", agent.ephemeral_id)


def put(mapped: dict[str, Any], name: str, value: str | None) -> None:
    """Writes a leaf that is set over an older one: "" removes it, None leaves it."""
    if value:
        mapped[name] = value
    elif value is not None:
        mapped.pop(name, None)


def _with_leaves(sent: EventService, stream: Stream) -> dict[str, Any]:
    service = dict(stream.service)
    put(service, "environment", sent.environment)
    if sent.name is not None:
        put(service, "name", sent.name)
        put(service, "version", sent.version or "")
    for name, part in (("framework", sent.framework), ("language", sent.language), ("runtime", sent.runtime)):
        if part is not None and (part.name is not None or part.version is not None):
            service[name] = _over(service.get(name, {}), part)
    if sent.node is not None and sent.node.configured_name is not None:
        service["node"] = {"name": sent.node.configured_name}
    origin = sent.origin
    if origin is not None and (origin.id is not None or origin.name is not None or origin.version is not None):
        service["origin"] = {
            name: value
            for name, value in (("id", origin.id), ("name", origin.name), ("version", origin.version))
            if value
        }
    target = sent.target
    if target is not None and (target.name is not None or target.type is not None):
        service["target"] = {"type": target.type or ""}
        put(service["target"], "name", target.name)
    return service


def _over(old: dict[str, Any], part: NameVersion) -> dict[str, Any]:
    merged = dict(old)
    put(merged, "name", part.name)
    put(merged, "version", part.version)
    return merged


def complete_service(document: dict[str, Any], stream: Stream) -> None:
    """The stream's enrichments again, for an event whose own service may have emptied what they filled."""
    whole = {**stream.constants, "service": document["service"]}
    default_environment(whole, stream.base)
    name_service_node(whole, stream.base)
