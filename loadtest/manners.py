"""How one client of a group behaves, until the run ends."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from random import Random

from tidegate.loadtest.attacks import ATTACKS, attack
from tidegate.loadtest.client import Client, Lost
from tidegate.loadtest.profiles import Body, Group, Manner
from tidegate.loadtest.tally import Tally
from tidegate.loadtest.target import Target

FLUSH_BYTES = 16 << 10
"""Compressed: real agents flush what they have gathered, at the latest when a second has passed."""
FLUSH_S = 1.0
STREAM_S = 10.0
"""`api_request_time` of the agents: as long as they keep a request open."""
STREAM_BYTES = 768 << 10
"""`api_request_size` of the agents."""
SLOW_PIECES = 20
SLOW_PAUSE_S = 0.25
"""So that a request takes five seconds."""
_AFTER_TROUBLE_S = 0.2
"""Before the next try, so that a server that is down is not hammered."""
_NDJSON = ("content-type", "application/x-ndjson")


@dataclass
class Run:
    """What the clients of a group share."""

    target: Target
    group: Group
    bodies: list[Body]
    tally: Tally
    start: float
    """By `time.monotonic`."""
    duration: float
    due: Iterator[float] | None
    """Times of requests, seconds after the start; None: as fast as they are answered."""
    rate: float = 0.0
    """Events a second and client, for streams; 0: as fast as they are taken."""
    grace: float = 10.0
    """Seconds after the end in which what was due before is still sent."""
    turn: int = field(default=0)

    def next_body(self) -> Body:
        """In turn."""
        self.turn += 1
        return self.bodies[self.turn % len(self.bodies)]

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    def over(self) -> bool:
        """No request begins any more."""
        return self.elapsed() >= self.duration

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Of each request."""
        if self.group.plain:
            return [_NDJSON, ("origin", self.target.url)]
        return [_NDJSON, ("content-encoding", "gzip"), ("user-agent", "tidegate-load")]


async def behave(run: Run, number: int) -> None:
    """One client's life."""
    random = Random(f"{run.group.name} {number}")
    if run.group.manner is Manner.HOSTILE:
        await _attack(run, random)
        return
    client = Client(run.target)
    try:
        if run.group.manner is Manner.STREAMS:
            await _stream(run, client)
        elif run.group.manner is Manner.SLOW:
            await _send_slowly(run, client)
        else:
            await _request(run, client)
    finally:
        run.tally.bytes += client.sent
        await client.close()


async def _request(run: Run, client: Client) -> None:
    """One request after the other: when the next is due, or at once."""
    while True:
        if run.due is None:
            if run.over():
                return
            due = run.elapsed()
        else:
            due = next(run.due, -1.0)
            if due < 0:
                return
            if run.elapsed() > run.duration + run.grace:
                run.tally.unsent += 1 + sum(1 for _ in run.due)
                return
            await asyncio.sleep(max(0.0, due - run.elapsed()))
        body = run.next_body()
        content = b"".join(body.lines) if run.group.plain else body.packed
        try:
            answer = await client.post(run.group.path, content, run.headers)
        except Lost as problem:
            run.tally.lost(body.events, str(problem))
            await asyncio.sleep(_AFTER_TROUBLE_S)
            continue
        at = run.elapsed()
        run.tally.answered(body.events, *answer, int((at - due) * 1e6), at)


async def _stream(run: Run, client: Client) -> None:
    """Long requests; the answer's latency counts from the end of the body."""
    while not run.over():
        stream = _Stream(run)
        try:
            answer = await client.stream(run.group.path, stream.pieces(), run.headers)
        except Lost as problem:
            run.tally.lost(stream.events, str(problem))
            await asyncio.sleep(_AFTER_TROUBLE_S)
            continue
        at = run.elapsed()
        run.tally.answered(stream.events, *answer, int((at - (stream.ended or at)) * 1e6), at)


class _Stream:
    """One long request: gzip, flushed now and then."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.events = 0
        self.ended: float | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Compressed pieces, as they are flushed."""
        run = self._run
        squeeze = zlib.compressobj(6, zlib.DEFLATED, 31)
        body = run.next_body()
        gathered = squeeze.compress(body.lines[0])
        lines = iter(body.lines[1:])
        size, began, flushed = 0, run.elapsed(), run.elapsed()
        while size < STREAM_BYTES and run.elapsed() - began < STREAM_S and not run.over():
            if run.rate:
                await asyncio.sleep(max(0.0, began + self.events / run.rate - run.elapsed()))
            line = next(lines, None)
            if line is None:
                lines = iter(run.next_body().lines[1:])
                continue
            self.events += 1
            size += len(line)
            gathered += squeeze.compress(line)
            if len(gathered) >= FLUSH_BYTES or run.elapsed() - flushed >= FLUSH_S:
                flushed = run.elapsed()
                yield gathered + squeeze.flush(zlib.Z_SYNC_FLUSH)
                gathered = b""
        self.ended = run.elapsed()
        yield gathered + squeeze.flush()


async def _send_slowly(run: Run, client: Client) -> None:
    """Requests of known length whose bytes come in small pieces; latency counts from the last one."""
    while not run.over():
        body = run.next_body()
        step = max(1, -(-len(body.packed) // SLOW_PIECES))
        ended = 0.0

        async def pieces(packed: bytes = body.packed, step: int = step) -> AsyncIterator[bytes]:
            nonlocal ended
            for at in range(0, len(packed), step):
                if at:
                    await asyncio.sleep(SLOW_PAUSE_S)
                ended = run.elapsed()
                yield packed[at : at + step]

        try:
            headers = [*run.headers, ("content-length", str(len(body.packed)))]
            answer = await client.stream(run.group.path, pieces(), headers)
        except Lost as problem:
            run.tally.lost(body.events, str(problem))
            await asyncio.sleep(_AFTER_TROUBLE_S)
            continue
        at = run.elapsed()
        run.tally.answered(body.events, *answer, int(max(0.0, at - ended) * 1e6), at)


async def _attack(run: Run, random: Random) -> None:
    while not run.over():
        one = random.choice(ATTACKS)
        run.tally.requests += 1
        try:
            status = await attack(run.target, one, random)
        except (OSError, TimeoutError):
            run.tally.refuse("no connection")
            await asyncio.sleep(_AFTER_TROUBLE_S)
            continue
        run.tally.statuses[str(status) if status else "none"] += 1
        run.tally.refuse(f"{one.name}: {status or 'no answer'}")
