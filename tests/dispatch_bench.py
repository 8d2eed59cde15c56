"""The dispatcher with a fake clock, sink and spool, for tests of what it decides: no thread, no sleep."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence

from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.telemetry.metrics import CELLS, Role
from tidegate.daemon.telemetry.slots import Tally
from tidegate.workers.account import Account
from tidegate.workers.sinks.contract import Postponed, Refused, Written
from tidegate.workers.sinks.dispatch import Dispatcher, State
from tidegate.workers.sinks.parcel import Letter
from tidegate.workers.sinks.schedule import Limits
from tidegate.workers.spool.block import Block, block_lines, make_block
from tidegate.workers.spool.ledger import Place, Stored, Waiting

LIMITS = Limits(
    flush_bytes=1 << 20,
    flush_documents=100,
    flush_interval=1.0,
    max_requests=2,
    backoff_init=1.0,
    backoff_max=60.0,
)
INDEXED, DEAD = EventOutcome.INDEXED, EventOutcome.DEAD_LETTER
Answer = Callable[[list[str]], Written]


class FakeSpool:
    """Blocks in a list; `names` are the documents' ids."""

    def __init__(self, clock: list[float]) -> None:
        self.clock = clock
        self.live: deque[Stored] = deque()
        self.done_names: list[str] = []
        self.serial = 0

    def put(self, names: str) -> None:
        lines = [
            line
            for name in names
            for line in (b'{"create":{"_index":"traces-apm-default","_id":"%b"}}\n' % name.encode(), b'{"secret":1}\n')
        ]
        self.serial += 1
        place = Place(1, self.serial, self.serial + 1)
        self.live.append(Stored(place, make_block(lines, len(names), 1), self.clock[0], True))

    def waiting(self) -> Waiting:
        size = sum(len(stored.block.payload) for stored in self.live)
        documents = sum(stored.block.documents for stored in self.live)
        return Waiting(size, documents, self.live[0].since if self.live else None, False)

    def next_blocks(self, max_bytes: int, max_documents: int) -> list[Stored]:
        taken = list(self.live)
        self.live.clear()
        return taken

    def done(self, stored: Stored) -> None:
        self.done_names += names_of(stored.block)


class FakeSink:
    """Answers as told, one entry a call; then everything is stored."""

    def __init__(self) -> None:
        self.answers: deque[Answer | Exception] = deque()
        self.calls: list[str] = []
        self.readiness: deque[bool | Exception] = deque()
        self.closed = False

    def ready(self) -> bool:
        answer = self.readiness.popleft() if self.readiness else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    def write(self, blocks: Sequence[Block], *, unsure: bool = False) -> Written:
        names = [name for block in blocks for name in names_of(block)]
        self.calls.append("".join(names))
        answer = self.answers.popleft() if self.answers else all_indexed
        if isinstance(answer, Exception):
            raise answer
        return answer(names)

    def close(self) -> None:
        self.closed = True


class FakeLetters:
    def __init__(self) -> None:
        self.written: list[Letter] = []
        self.failures = 0

    def write(self, letters: Sequence[Letter]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError(28, "No space left on device")
        self.written += letters


def names_of(block: Block) -> list[str]:
    return [line.split(b'"')[9].decode() for line in block_lines(block)[::2]]


def all_indexed(names: list[str]) -> Written:
    return Written(Counter({INDEXED: len(names)}))


def but(*, postponed: str = "", refused: str = "", degraded: bool = False) -> Answer:
    """All are indexed but these."""

    def answer(names: list[str]) -> Written:
        later = [Postponed(n, "busy", degraded) for n, name in enumerate(names) if name in postponed]
        never = [Refused(n, 400, "bad", "no") for n, name in enumerate(names) if name in refused]
        return Written(Counter({INDEXED: len(names) - len(later) - len(never)}), never, later)

    return answer


class Bench:
    """A dispatcher whose requests run when `run` is called. Randomness is 0: the shortest delay."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.clock = [100.0]
        self.spool = FakeSpool(self.clock)
        self.sink = FakeSink()
        self.letters = FakeLetters()
        self.requests: deque[Callable[[], None]] = deque()
        self.heard_ready = 0
        self.tally = Tally(len(CELLS[Role.WORKER]))
        self.dispatcher = Dispatcher(
            self.spool,
            self.sink,
            self.letters,
            limits,
            Account(self.tally),
            wait_ready_interval=5.0,
            on_ready=self._on_ready,
            monotonic=lambda: self.clock[0],
            randomness=lambda: 0.0,
            spawn=self.requests.append,
        )

    def _on_ready(self) -> None:
        self.heard_ready += 1

    def turn(self) -> float | None:
        """Decisions until there is one to wait."""
        while (pause := self.dispatcher.turn()) == 0.0:
            pass
        return pause

    def run(self) -> None:
        """All requests that were started, in order."""
        while self.requests:
            self.requests.popleft()()

    def until_quiet(self, seconds: float = 1000.0) -> None:
        """Turns and requests, the clock jumping over the pauses."""
        end = self.clock[0] + seconds
        while True:
            pause = self.turn()
            if self.requests:
                self.run()
                continue
            if pause is None or self.clock[0] + pause > end:
                return
            self.clock[0] += pause

    def send(self, names: str, *answers: Answer | Exception) -> None:
        """One block, and its first request."""
        self.sink.answers.extend(answers)
        self.spool.put(names)
        self.clock[0] += LIMITS.flush_interval
        self.turn()
        self.run()

    @property
    def state(self) -> State:
        return self.dispatcher.state()
