"""What is left of a batch when the pipeline stumbles over one of its lines: the others. Pure.

No input is known to do that; this is for the one that nobody thought of. A line that kills the whole process is found
by the acceptor instead (`daemon/wire/suspects.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from operator import add
from traceback import extract_tb

from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.wire.frames import LISTED_ERRORS, Batch, LineError, StreamError
from tidegate.daemon.wire.terms import UNLIMITED
from tidegate.workers.pipeline import NO_TYPES, Processed

STUMBLED = "this line cannot be processed because of a defect in Tidegate: it is set aside and not stored"

Process = Callable[[Batch], Processed]


def salvage(process: Process, batch: Batch) -> tuple[Processed, list[str]]:
    """Processes line by line. Returns the sum, and where the program stumbled, without any content of the lines."""
    stumbles: list[str] = []
    lines: list[bytes] = []
    errors: list[LineError] = []
    counts: Counter[EventOutcome] = Counter()
    documents = accepted = failed = events = 0
    types = NO_TYPES
    for number, line in enumerate(batch.lines.split(b"\n"), batch.first_line):
        if not line and number > batch.first_line:
            continue
        # What single lines cost beyond the batch's tokens is settled afterwards: all of it or nothing is no choice here.
        one = batch._replace(lines=line, first_line=number, tokens=UNLIMITED)
        try:
            part = process(one)
        except Exception as stumble:
            stumbles.append(_where(stumble))
            if not line:
                return _ended(StreamError(500, STUMBLED, batch.metadata)), stumbles
            part = Processed([], 0, 0, 1, [LineError(number, STUMBLED, line)], None, Counter({EventOutcome.SUSPECT: 1}))
        if part.ended is not None:
            return part, stumbles
        lines += part.lines
        documents += part.documents
        accepted += part.accepted
        failed += part.failed
        events += part.events
        types = tuple(map(add, types, part.types))
        errors += part.errors
        counts.update(part.counts)
    return Processed(
        lines, documents, accepted, failed, errors[:LISTED_ERRORS], None, counts, events, types=types
    ), stumbles


def _ended(error: StreamError) -> Processed:
    return Processed([], 0, 0, 0, [], error, Counter())


def _where(stumble: Exception) -> str:
    last = extract_tb(stumble.__traceback__)[-1]
    return f"{type(stumble).__name__} in {last.name}, line {last.lineno} of {last.filename.rpartition('/')[2]}"
