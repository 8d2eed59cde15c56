"""What a stream needs from the links to the workers, and nothing else of them (the links themselves: `links.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from tidegate.daemon.wire.frames import StreamError, Verdict
from tidegate.daemon.wire.questions import AnyAsk, AnyReply


class Parcel(NamedTuple):
    """A batch before it is known which worker gets it; fields as in `frames.Batch`."""

    batch_id: bytes
    number: int
    received_ns: int
    base: bytes
    metadata: bytes
    lines: bytes
    terms: bytes = b""
    tokens: int = 0
    sender: bytes = b""
    """Whose turn it takes when workers are busy."""


Answered = Callable[[Verdict], None]
"""Called once per parcel. A `Verdict.ended` with status 503 also stands for a worker that cannot store (spool full)."""


Replied = Callable[[AnyReply], None]
"""Called once per question. A worker that dies with it, or no answer in time, gives `Unavailable`."""


class Waiting(Protocol):
    """A place in the line of those who wait for credit."""

    def cancel(self) -> None:
        """Leaves the line; allowed at any time, also after the call."""


class Courier(Protocol):
    """Hands parcels to workers. All calls from the event loop's thread."""

    def try_send(self, parcel: Parcel, answered: Answered) -> bool:
        """Sends now, or returns False because no worker has credit, or others are first: keep the parcel and wait. A worker
        that dies with the parcel is not the caller's concern: it is done again and `answered` comes from another."""

    def when_credit(self, sender: bytes, program: bytes, call: Callable[[], None]) -> Waiting:
        """Calls once when credit may be there again for this sender: senders in turn, within one its programs (metadata) in
        turn, the streams of one as they came."""

    def ask(self, ask: AnyAsk, replied: Replied) -> None:
        """Asks a worker what only the store knows; `replied` may be called at once, with `Unavailable`. Where no worker is
        running the question waits for one; how long that may be, the asker knows."""

    def connected(self) -> bool:
        """Whether there is a worker at all; when the first one comes, `when_credit` calls."""

    def trouble(self) -> str:
        """Why there is no credit, in words for the client's log: no worker is running, all are busy, the spool is full."""


__all__ = ["Answered", "Courier", "Parcel", "Replied", "StreamError", "Waiting"]
