"""What a run does to its instance, and in which order. Pure: the randomness is passed in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from random import Random


class Mood(StrEnum):
    """How it answers bulk requests."""

    WELL = "well"
    REFUSING = "refusing"
    """Its port is closed, and all connections are cut."""
    HANGING = "hanging"
    """It takes requests and answers none until the mood changes; then it cuts them."""
    LOSING = "losing"
    """It stores, and cuts the connection in place of an answer."""
    UNAVAILABLE = "unavailable"
    """503 for each request, nothing stored."""
    BUSY = "busy"
    """429 for every second document."""
    SLOW = "slow"


class Target(StrEnum):
    """Who is killed (SIGKILL)."""

    WORKER = "worker"
    ACCEPTOR = "acceptor"
    SUPERVISOR = "supervisor"
    ALL = "all"
    """Every process at once."""


class Fault(StrEnum):
    """What else happens; the first seven concern the store."""

    REFUSE = "refuse"
    HANG = "hang"
    LOSE = "lose-answers"
    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    SLOW = "slow"
    REJECT = "reject"
    """It holds for the whole run: a document that is refused once is refused for ever."""
    DISK = "disk"
    FREEZE = "freeze"


MEANING = {
    Fault.REFUSE: "the store's port is closed",
    Fault.HANG: "the store takes requests and answers none",
    Fault.LOSE: "the store stores, and cuts the connection in place of an answer",
    Fault.UNAVAILABLE: "the store answers 503",
    Fault.BUSY: "the store answers 429 for every second document",
    Fault.SLOW: "the store takes 3 s for each request",
    Fault.REJECT: "the store refuses one document in a hundred (400), all the time",
    Fault.DISK: "workers cannot write to any file",
    Fault.FREEZE: "a worker is stopped (SIGSTOP) until it is found out",
}
MOODS = {
    Fault.REFUSE: Mood.REFUSING,
    Fault.HANG: Mood.HANGING,
    Fault.LOSE: Mood.LOSING,
    Fault.UNAVAILABLE: Mood.UNAVAILABLE,
    Fault.BUSY: Mood.BUSY,
    Fault.SLOW: Mood.SLOW,
}
OF_THE_MACHINE = frozenset({Fault.DISK, Fault.FREEZE})
"""Those that a real Elasticsearch can be had with: it does not misbehave on demand."""
MIXTURE = {Target.WORKER: 5, Target.ACCEPTOR: 2, Target.SUPERVISOR: 1, Target.ALL: 2}
"""Weights of `mixed`: mostly workers, which hold what was acknowledged."""
TARGETS = ("mixed", *(str(target) for target in Target))

Step = Target | Fault


def plan(kills: int, target: str, faults: Collection[Fault], random: Random) -> list[Step]:
    """All steps, the faults evenly among the kills, so that kills fall into the time of a fault."""
    if target == "mixed":
        victims: Sequence[Target] = random.choices(list(MIXTURE), list(MIXTURE.values()), k=kills)
    else:
        victims = [Target(target)] * kills
    steps: list[Step] = list(victims)
    among = [fault for fault in Fault if fault in faults and fault is not Fault.REJECT]
    random.shuffle(among)
    for place, fault in enumerate(among):
        steps.insert(place + place * kills // len(among), fault)
    return steps
