"""The order in which a worker takes up batches, with a fake pipeline and a fake store."""

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from tidegate.daemon.telemetry.metrics import CELLS, Role
from tidegate.daemon.telemetry.slots import Tally
from tidegate.daemon.wire.frames import SUSPECT, Batch, StreamError, Verdict
from tidegate.workers.account import Account
from tidegate.workers.serve import WAITS, Serving
from tidegate.workers.source_maps.parking import CREDIT_SHARE, MOST_BATCHES, Parking
from tidegate.workers.store.source_maps import MapKey

MAP = MapKey("shop", "1", "/a.js")


class FakePipeline:
    """Takes as many documents as a batch has lines; metadata `bad` ends the stream; metadata `maps` wants a source map."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def process(self, batch: Batch, *, may_wait: bool = False) -> Any:
        wanted = frozenset([MAP]) if batch.metadata == b"maps" else frozenset()
        if not (wanted and may_wait):
            self.seen.append(batch.number)
        count = batch.lines.count(b"\n")
        ended = StreamError(400, "bad metadata") if batch.metadata == b"bad" else None
        return SimpleNamespace(
            lines=[batch.lines],
            documents=count,
            accepted=count,
            failed=0,
            errors=[],
            ended=ended,
            counts=Counter(),
            events=0,
            wanted=wanted,
            types=(0, 0, 0, 0, 0),
            sender=("", ""),
            stamp=None,
        )


class FakeStore:
    """Keeps what comes until it is told to be done; without documents it is done at once."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[str | None], None]] = []

    def append(self, lines: list[bytes], documents: int, done: Callable[[str | None], None]) -> None:
        if documents == 0:
            done(None)
        else:
            self.waiting.append(done)

    def done(self, refusal: str | None = None) -> None:
        self.waiting.pop(0)(refusal)


class Rig:
    def __init__(self, credit: int = 1 << 20) -> None:
        self.late: list[Callable[[], None]] = []
        self.pipeline = FakePipeline()
        self.store = FakeStore()
        self.tried: list[int | None] = []
        self.verdicts: list[Verdict] = []
        self.account = Account(Tally(len(CELLS[Role.WORKER])))
        self.serving = Serving(
            self.pipeline,  # type: ignore[arg-type]  # a fake with the one method that is used
            self.store,
            lambda batch: self.tried.append(batch and batch.number),
            self.account,
            Parking(lambda wanted, go_on: self.late.append(go_on), credit),
        )

    def answer(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)

    def give(self, number: int, flags: int = 0, lines: bytes = b"x\n", metadata: bytes = b"m") -> None:
        batch = Batch(b"s" * 8, number.to_bytes(16, "big"), number, 0, 0, flags, b"{}", metadata, lines)
        self.serving.received(self, batch)

    def answered(self) -> list[int]:
        return [int.from_bytes(verdict.batch_id, "big") for verdict in self.verdicts]


def test_a_verdict_comes_only_after_the_store_is_done() -> None:
    rig = Rig()
    rig.give(1)
    rig.give(2)
    assert rig.pipeline.seen == [1, 2]
    assert not rig.verdicts
    assert not rig.serving.idle
    rig.store.done()
    rig.store.done()
    assert rig.answered() == [1, 2]
    assert [verdict.accepted for verdict in rig.verdicts] == [1, 1]
    assert rig.serving.idle


def test_what_the_store_refuses_ends_the_stream_with_its_reason() -> None:
    rig = Rig()
    rig.give(1)
    rig.store.done("spool is full")
    assert rig.verdicts[0].ended == StreamError(503, "spool is full")
    assert rig.verdicts[0].accepted == 0


def test_a_stream_that_ends_stores_nothing() -> None:
    rig = Rig()
    rig.give(1, metadata=b"bad")
    assert rig.verdicts[0].ended == StreamError(400, "bad metadata")
    assert not rig.store.waiting


def test_a_suspect_waits_for_what_is_in_flight_and_others_wait_for_it() -> None:
    rig = Rig()
    rig.give(1)
    rig.give(2, SUSPECT)
    rig.give(3)
    rig.give(4, SUSPECT)
    assert rig.pipeline.seen == [1]
    rig.store.done()
    assert rig.pipeline.seen == [1, 2]
    assert rig.tried == [2]
    rig.store.done()
    assert rig.pipeline.seen == [1, 2, 4]
    rig.store.done()
    assert rig.pipeline.seen == [1, 2, 4, 3]
    rig.store.done()
    assert rig.tried == [2, None, 4, None]
    assert rig.serving.idle


def test_ten_thousand_empty_batches_behind_a_suspect_are_no_recursion() -> None:
    rig = Rig()
    rig.give(0)
    rig.give(1, SUSPECT, lines=b"")
    for number in range(2, 10_000):
        rig.give(number, lines=b"")
    rig.store.done()
    assert rig.answered() == list(range(10_000))


def test_a_batch_that_waits_for_source_maps_is_passed_by_others() -> None:
    rig = Rig()
    rig.give(1, metadata=b"maps")
    rig.give(2)
    assert rig.pipeline.seen == [2]
    rig.store.done()
    assert rig.answered() == [2]
    assert not rig.serving.idle
    rig.late.pop()()
    assert len(rig.late) == 1, "now it knows which maps there are, and waits for them"
    rig.late.pop()()
    rig.store.done()
    assert rig.answered() == [2, 1]
    assert rig.serving.idle


def test_room_for_waiting_batches_is_bounded_and_comes_back() -> None:
    rig = Rig()
    for number in range(MOST_BATCHES + 2):
        rig.give(number, metadata=b"maps")
    assert rig.pipeline.seen == [MOST_BATCHES, MOST_BATCHES + 1], "beyond the bound they go on as they are"
    for _ in range(WAITS):
        rig.late.pop()()
    assert len(rig.late) == MOST_BATCHES - 1
    rig.give(1000, metadata=b"maps")
    assert len(rig.late) == MOST_BATCHES


def test_bytes_of_waiting_batches_are_bounded() -> None:
    rig = Rig(credit=1000 * CREDIT_SHARE)
    rig.give(1, lines=b"x" * 600, metadata=b"maps")
    rig.give(2, lines=b"x" * 600, metadata=b"maps")
    rig.give(3, lines=b"x" * 300, metadata=b"maps")
    rig.give(4, lines=b"x" * 2000, metadata=b"maps")
    assert rig.pipeline.seen == [2, 4]
    assert len(rig.late) == 2


def test_a_suspect_waits_for_no_map_and_what_waited_waits_for_it() -> None:
    rig = Rig()
    rig.give(1, metadata=b"maps")
    rig.give(2, SUSPECT, metadata=b"maps")
    assert rig.pipeline.seen == [2], "a waiting batch is not in flight"
    rig.late.pop()()
    assert not rig.late
    assert rig.pipeline.seen == [2]
    rig.store.done()
    assert rig.pipeline.seen == [2, 1]
    rig.store.done()
    assert rig.serving.idle
