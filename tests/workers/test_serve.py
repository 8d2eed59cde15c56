"""The order in which a worker takes up batches, with a fake pipeline and a fake store."""

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from tidegate.daemon.wire.frames import SUSPECT, Batch, StreamError, Verdict
from tidegate.workers.serve import Serving


class FakePipeline:
    """Takes as many documents as a batch has lines; metadata `bad` ends the stream."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def process(self, batch: Batch) -> Any:
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
    def __init__(self) -> None:
        self.pipeline = FakePipeline()
        self.store = FakeStore()
        self.tried: list[int | None] = []
        self.verdicts: list[Verdict] = []
        self.serving = Serving(
            self.pipeline,  # type: ignore[arg-type]  # a fake with the one method that is used
            self.store,
            lambda batch: self.tried.append(batch and batch.number),
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
