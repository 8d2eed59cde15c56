"""Clients that know what they were promised: they send events, never one twice, and note the answer to each.

Whatever is killed, this process lives, so its notes are whole. What is stored twice was doubled by the server.
"""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from select import select
from threading import Event, Lock, Thread

import orjson
from tidegate.cli.prove.events import Events

MOST_EVENTS = 2_000_000
"""Of a run: each costs some bytes of memory here, and about 200 in the stand-in."""
_EVENTS_PER_REQUEST = 60
_ANSWER_SECONDS = 20.0
"""A request may wait `tidegate.queue_timeout` (5 s) and for a worker's successor; longer than this, it counts as cut off."""
_PIECE_BYTES = 9_000
_PIECE_PAUSE = 0.04
_REFUSED_PAUSE = 0.1
_FULL_PAUSE = 0.4
"""After a 503, as agents do, shortened."""
_MOST_REASONS = 30
_REASON_CHARACTERS = 70
_BATCH_REFUSED = "cannot process batch: "
"""What stands before the reason of every 503, as in the original."""


class Fate(IntEnum):
    """What a client heard of an event."""

    UNSENT = 0
    CUT = 1
    """Its request was sent, and no answer came: the connection was refused or cut."""
    ACKNOWLEDGED = 2
    REFUSED = 3
    """The answer was no 202; a part of the request may be stored all the same, and the answer says how much."""


class Oracle:
    """`clients` threads, all together `rate` events a second; every second one streams its request piece by piece."""

    def __init__(self, port: int, events: Events, headers: dict[str, str], *, rate: float, clients: int) -> None:
        self.events = events
        self.fates = bytearray()
        """`Fate` of each event, by its number."""
        self.acknowledged = 0
        self.answers: Counter[str] = Counter()
        """Events whose request was not acknowledged, by reason."""
        self.slowest = 0.0
        """Seconds of the longest wait for a 202."""
        self._port = port
        self._headers = {"Content-Type": "application/x-ndjson", "User-Agent": "tidegate-prove", **headers}
        self._pause = clients * _EVENTS_PER_REQUEST / rate
        self._stop = Event()
        self._lock = Lock()
        self._threads = [Thread(target=self._client, args=(place % 2 == 1,), daemon=True) for place in range(clients)]

    @property
    def sent(self) -> int:
        return len(self.fates)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Ends the load; every client gets its last answer first."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(2 * _ANSWER_SECONDS)

    def send_one(self) -> int:
        """Sends a single event now; its number."""
        connection = self._connect()
        try:
            (number,) = self._take(1)
            self._request(connection, range(number, number + 1), streaming=False)
        finally:
            connection.close()
        return number

    def numbers(self, fate: Fate) -> Iterator[int]:
        """All events with that fate."""
        return (number for number, found in enumerate(self.fates) if found == fate)

    # ----------------------------------------------------------------------------------------------------- one client

    def _client(self, streaming: bool) -> None:
        connection = self._connect()
        due = time.monotonic()
        try:
            while self.sent < MOST_EVENTS:
                due = max(due + self._pause, time.monotonic() - self._pause)
                if self._stop.wait(max(0.0, due - time.monotonic())):
                    return
                self._request(connection, self._take(_EVENTS_PER_REQUEST), streaming=streaming)
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_SECONDS)

    def _take(self, count: int) -> range:
        with self._lock:
            first = len(self.fates)
            self.fates += bytes([Fate.CUT]) * count
        return range(first, first + count)

    def _request(self, connection: http.client.HTTPConnection, numbers: range, *, streaming: bool) -> None:
        body = self.events.body(numbers)
        if _was_closed(connection):
            connection.close()  # and the request opens a new one, as every client does
        began = time.monotonic()
        try:
            connection.request(
                "POST",
                "/intake/v2/events?verbose",
                self._pieces(body) if streaming else body,
                self._headers,
                encode_chunked=streaming,
            )
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            self._note(numbers, Fate.CUT, _cut_words(problem))
            if isinstance(problem, ConnectionRefusedError):
                self._stop.wait(_REFUSED_PAUSE)
            return
        if response.status == http.client.ACCEPTED and _accepted(answer) == len(numbers):
            self.slowest = max(self.slowest, time.monotonic() - began)
            self._note(numbers, Fate.ACKNOWLEDGED, "")
            return
        self._note(numbers, Fate.REFUSED, f"{response.status} {_words(answer)}")
        self._stop.wait(_FULL_PAUSE)

    def _note(self, numbers: range, fate: Fate, reason: str) -> None:
        with self._lock:
            self.fates[numbers.start : numbers.stop] = bytes([fate]) * len(numbers)
            if fate is Fate.ACKNOWLEDGED:
                self.acknowledged += len(numbers)
            else:
                known = reason in self.answers or len(self.answers) < _MOST_REASONS
                self.answers[reason if known else "other reasons"] += len(numbers)

    def _pieces(self, body: bytes) -> Iterator[bytes]:
        """As an agent streams: pieces that care for no line end, with pauses; a kill then meets requests half sent."""
        for start in range(0, len(body), _PIECE_BYTES):
            yield body[start : start + _PIECE_BYTES]
            time.sleep(_PIECE_PAUSE)


def _was_closed(connection: http.client.HTTPConnection) -> bool:
    """Whether the server ended a connection that was kept open, which a client finds out before it sends."""
    return connection.sock is not None and bool(select([connection.sock], [], [], 0)[0])


def _cut_words(problem: Exception) -> str:
    if isinstance(problem, ConnectionRefusedError):
        return "connection refused: nothing was sent"
    if isinstance(problem, TimeoutError):
        return f"no answer within {_ANSWER_SECONDS:.0f} s"
    return "connection cut before the answer"


def _accepted(answer: bytes) -> int | None:
    try:
        said = orjson.loads(answer)
    except ValueError:
        return None
    return said.get("accepted") if isinstance(said, dict) else None


def _words(answer: bytes) -> str:
    """The first message of a refusal."""
    try:
        message = orjson.loads(answer)["errors"][0]["message"]
    except (ValueError, KeyError, IndexError, TypeError):
        message = "without a reason"
    return str(message).rpartition(_BATCH_REFUSED)[2][:_REASON_CHARACTERS]
