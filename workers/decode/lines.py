"""From the bytes of a line to an event: the accept path, or else the exact path, which alone refuses."""

from __future__ import annotations

from tidegate.workers.decode.accept import accept_event, accept_metadata
from tidegate.workers.decode.exact import exact_event, exact_metadata
from tidegate.workers.decode.model import Event, Metadata
from tidegate.workers.decode.refusal import Refused

__all__ = ["Refused", "read_event", "read_metadata"]


def read_metadata(line: bytes) -> Metadata:
    """The metadata in a stream's first line (without its newline), in v2 or v3 form. Raises Refused."""
    return accept_metadata(line) or exact_metadata(line)


def read_event(line: bytes) -> Event | list[Event]:
    """The event in a line (without its newline); all events of it, in order, for a RUM v3 transaction. Raises Refused."""
    event = accept_event(line)
    return exact_event(line) if event is None else event
