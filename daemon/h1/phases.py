"""The states of a client connection, and which may follow which."""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """Where a connection stands; `MOVES` says what may follow."""

    NEW = "accepted, nothing read"
    IDLE = "between two requests"
    HEAD = "within a head"
    BODY = "the body is being read for its handler"
    WAIT = "the body is complete, the answer is not there"
    DISCARD = "answered, the rest of the body is thrown away"
    LINGER = "half-closed, waiting for the client's end"
    CLOSED = "gone"


_ENDS = {Phase.LINGER, Phase.CLOSED}
MOVES: dict[Phase, set[Phase]] = {
    Phase.NEW: {Phase.HEAD, Phase.CLOSED},
    Phase.IDLE: {Phase.HEAD, Phase.CLOSED},
    Phase.HEAD: {Phase.BODY, *_ENDS},
    Phase.BODY: {Phase.WAIT, Phase.DISCARD, *_ENDS},
    Phase.WAIT: {Phase.IDLE, *_ENDS},
    Phase.DISCARD: {Phase.IDLE, *_ENDS},
    Phase.LINGER: {Phase.CLOSED},
    Phase.CLOSED: set(),
}


def moved(phase: Phase, to: Phase) -> Phase:
    """The next phase. Raises RuntimeError for one that may not follow."""
    if to not in MOVES[phase]:
        raise RuntimeError(f"a connection cannot go from {phase.name} to {to.name}")
    return to
