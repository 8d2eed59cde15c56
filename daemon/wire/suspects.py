"""Batches that were in a worker's hands when it died, and how the guilty line is found. Pure.

Each suspect is done again with nothing else in flight. One that kills its worker again is halved until one line is
left; that line is set aside, the others go on. All parts keep the batch's id and line numbers, so that what the dead
worker may have spooled is recognised as the same documents.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tidegate.daemon.wire.courier import Answered, Parcel
from tidegate.daemon.wire.frames import LISTED_ERRORS, LineError, StreamError, Verdict

SET_ASIDE = "this line ended the process that decoded it, twice: it is set aside and not stored"


@dataclass
class Case:
    """One batch under suspicion: its parts still to be answered, and what the answered ones said."""

    parcel: Parcel
    answered: Answered
    open_parts: int = 1
    verdicts: list[Verdict] = field(default_factory=list)

    def close_part(self, verdict: Verdict) -> None:
        """Takes a part's verdict; the last one completes the batch and tells its stream."""
        self.verdicts.append(verdict)
        self.open_parts -= 1
        if self.open_parts == 0:
            self.answered(merge(self.verdicts))


@dataclass(frozen=True)
class Part:
    """Some consecutive lines of a case, sent as one frame."""

    case: Case
    first_line: int
    lines: bytes


def split(part: Part) -> tuple[Part, Part] | None:
    """Two halves with at least one line each; None when there is but one line (or none)."""
    ends = [place + 1 for place, byte in enumerate(part.lines) if byte == 0x0A]
    if not ends or ends[-1] != len(part.lines):
        ends.append(len(part.lines))
    if len(ends) < 2:
        return None
    half = len(ends) // 2
    at = ends[half - 1]
    return (
        Part(part.case, part.first_line, part.lines[:at]),
        Part(part.case, part.first_line + half, part.lines[at:]),
    )


def set_aside(part: Part, document_limit: int) -> Verdict:
    """The verdict over a line that killed two workers (or over metadata that did, when there is no line)."""
    parcel = part.case.parcel
    line = part.lines.rstrip(b"\n")[:document_limit]
    if not line:
        return Verdict(
            b"", parcel.batch_id, part.first_line, ended=StreamError(500, SET_ASIDE, parcel.metadata[:document_limit])
        )
    return Verdict(
        b"",
        parcel.batch_id,
        part.first_line,
        failed=1,
        errors=[LineError(part.first_line, SET_ASIDE, line)],
        set_aside=1,
    )


def merge(verdicts: list[Verdict]) -> Verdict:
    """One verdict for a batch that was answered in parts."""
    ordered = sorted(verdicts, key=lambda verdict: verdict.first_line)
    return Verdict(
        ordered[0].session,
        ordered[0].batch_id,
        0,
        accepted=sum(verdict.accepted for verdict in ordered),
        failed=sum(verdict.failed for verdict in ordered),
        errors=[error for verdict in ordered for error in verdict.errors][:LISTED_ERRORS],
        ended=next((verdict.ended for verdict in ordered if verdict.ended), None),
        events=sum(verdict.events for verdict in ordered),
        documents=sum(verdict.documents for verdict in ordered),
        empty=sum(verdict.empty for verdict in ordered),
        set_aside=sum(verdict.set_aside for verdict in ordered),
    )
