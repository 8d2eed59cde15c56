"""What a worker notes of each service when a batch is done: `tidegate explain` tells it."""

from __future__ import annotations

from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.telemetry.notes import LONGEST_TEXT, ServiceNotes
from tidegate.daemon.wire.frames import Batch, StreamError
from tidegate.workers.pipeline import Processed


def note_batch(notes: ServiceNotes, batch: Batch, processed: Processed, ended: StreamError | None) -> None:
    """Adds a batch; one whose metadata names no service is passed over."""
    service, agent = processed.sender
    if not service:
        return
    note = notes.of(service)
    note.agent = agent
    note.heard = batch.received_ns / 1e9
    note.invalid += processed.failed
    if ended is None:
        note.accepted += processed.documents
        note.unsampled += processed.counts[EventOutcome.UNSAMPLED]
    else:
        note.refused += processed.events
    if processed.stamp is not None:
        note.skew = processed.stamp / 1e6 - note.heard
    if ended is not None:
        note.reason = ended.message[:LONGEST_TEXT]
    elif processed.errors:
        note.reason = processed.errors[0].message[:LONGEST_TEXT]
