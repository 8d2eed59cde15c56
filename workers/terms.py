"""Whether the events of a batch may be sent by its sender: http-surface.md 3.5. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tidegate.daemon.wire.frames import StreamError
from tidegate.daemon.wire.terms import Terms
from tidegate.workers.decode.model import Event, Log, RumError, RumMetricset, RumSpan, RumTransaction
from tidegate.workers.mapping.stream import Stream

Admit = Callable[[str], bool]
"""Whether an anonymous sender may give this name of a service; a new one is counted."""

_SHORT = (RumError, RumMetricset, RumSpan, RumTransaction)
"""Forms of version 3, whose events name no agent of their own."""


def refused(terms: Terms, events: Sequence[Event], stream: Stream, admit: Admit) -> StreamError | None:
    """Why the batch is not taken; None where it is. The names that each event has in its document count."""
    admitted = set()
    for event in events:
        if terms.refused:
            return _unauthorized(terms.refused)
        names = names_of(event, stream)
        if names in admitted:
            continue
        service, agent = names
        if terms.allow_services and service not in terms.allow_services:
            return _unauthorized(f"unauthorized: {terms.subject} not permitted for service {_quoted(service)}")
        if terms.allow_agents and agent not in terms.allow_agents:
            return _unauthorized(f"unauthorized: {terms.subject} not permitted for agent {_quoted(agent)}")
        if terms.counts_services and not terms.allow_services and not admit(service):
            return _unauthorized(
                f"unauthorized: {terms.subject} not permitted for service {_quoted(service)}: this server takes no further "
                "names of services from anonymous senders (tidegate.auth.anonymous.max_services)"
            )
        admitted.add(names)
    return None


def names_of(event: Event, stream: Stream) -> tuple[str, str]:
    """The names of the service and of the agent that an event comes from: its own, else its stream's."""
    service: str = stream.service.get("name", "")
    agent: str = stream.agent.get("name", "")
    if isinstance(event, Log):
        return (service if event.service_name is None else event.service_name), agent
    holder: Any = event
    own = getattr(holder, "service", None) or getattr(getattr(holder, "context", None), "service", None)
    if own is None:
        return service, agent
    if own.name is not None:
        service = own.name
    sent = getattr(own, "agent", None)
    if sent is not None and sent.name is not None and not isinstance(event, _SHORT):
        agent = sent.name
    return service, agent


def _unauthorized(text: str) -> StreamError:
    return StreamError(403, f"cannot handle stream: cannot process batch: {text}")


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
