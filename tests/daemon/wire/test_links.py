"""Both ends of the links over real ZeroMQ sockets."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import zmq
from pytest import LogCaptureFixture
from tidegate.daemon.control.messages import AcceptorAddress, WorkerGone
from tidegate.daemon.wire.acceptor_links import AcceptorLinks
from tidegate.daemon.wire.courier import Parcel
from tidegate.daemon.wire.edge import DRAIN_SECONDS, EdgeReader
from tidegate.daemon.wire.frames import Batch, StreamError, Verdict, trying_text
from tidegate.daemon.wire.questions import (
    QUESTIONS_PER_SESSION,
    AnyReply,
    FindConfiguration,
    Ping,
    Pong,
    Question,
    Unavailable,
)
from tidegate.daemon.wire.worker_links import WorkerLink, WorkerLinks

PATIENCE_S = 10


def parcel(number: int, lines: bytes = b"x\n") -> Parcel:
    return Parcel(number.to_bytes(16, "big"), number, 0, b"{}", b"m", lines)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.001)


class Rig:
    """An acceptor and as many workers as wanted; workers keep what they get until told to answer."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.get_running_loop()
        self.endpoint = f"ipc://{folder}/a.sock"
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.acceptor = AcceptorLinks(self.loop, self.context, self.endpoint, 300_000)
        self.workers: list[WorkerLinks] = []
        self.got: list[tuple[int, WorkerLink, Batch]] = []
        self.asked: list[tuple[WorkerLink, Question]] = []
        self.told: list[Verdict] = []

    def worker(self, credit: int = 1000) -> int:
        number = len(self.workers) + 1
        links = WorkerLinks(
            self.loop,
            number,
            100 + number,
            credit,
            300_000,
            lambda link, batch: self.got.append((number, link, batch)),
            lambda link, question: self.asked.append((link, question)),
        )
        links.follow([AcceptorAddress(1, 1, self.endpoint)])
        self.workers.append(links)
        return number

    def gone(self, number: int, trying: str | None = None) -> None:
        self.workers[number - 1].close()
        self.acceptor.worker_gone(WorkerGone(number, 100 + number, trying))

    def answer(self, accepted: int = 1, ended: StreamError | None = None) -> None:
        _, link, batch = self.got.pop(0)
        link.answer(Verdict(batch.session, batch.batch_id, batch.first_line, accepted, ended=ended))

    async def send(self, what: Parcel) -> None:
        await until(lambda: self.acceptor.try_send(what, self.told.append))


def run(scenario: Callable[[Rig], object], folder: Path) -> None:
    async def whole() -> None:
        rig = Rig(folder)
        try:
            await scenario(rig)  # type: ignore[misc]  # scenarios are coroutine functions
        finally:
            for links in rig.workers:
                links.close()
            rig.acceptor.close()
            rig.context.destroy(linger=0)

    asyncio.run(whole())


def test_a_parcel_goes_to_a_worker_and_its_verdict_comes_back(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        assert not rig.acceptor.try_send(parcel(1), rig.told.append)
        assert rig.acceptor.trouble() == "no worker is running"
        rig.worker()
        await rig.send(parcel(1, b"a\nb\n"))
        await until(lambda: rig.got)
        assert rig.got[0][2].lines == b"a\nb\n"
        rig.answer(2)
        await until(lambda: rig.told)
        assert rig.told[0].accepted == 2
        assert rig.acceptor.unanswered() == 0

    run(scenario, tmp_path)


def test_credit_may_be_overdrawn_once_and_comes_back_with_the_verdict(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        rig.worker(credit=10)
        await rig.send(parcel(1, b"x" * 500 + b"\n"))
        assert not rig.acceptor.try_send(parcel(2), rig.told.append)
        assert "busy" in rig.acceptor.trouble()
        woken: list[int] = []
        first = rig.acceptor.when_credit(b"", b"", lambda: woken.append(1))
        rig.acceptor.when_credit(b"", b"", lambda: woken.append(2))
        first.cancel()
        await until(lambda: rig.got)
        rig.answer()
        await until(lambda: woken)
        assert woken == [2]

    run(scenario, tmp_path)


def test_many_sends_and_verdicts_at_once_lose_no_edge(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        rig.worker(credit=100_000)
        rig.worker(credit=100_000)
        await rig.send(parcel(0))
        for number in range(1, 2000):
            await rig.send(parcel(number))
            if number % 3 == 0 and rig.got:
                rig.answer()
        await until(lambda: len(rig.got) + len(rig.told) >= 2000 or (rig.got and rig.answer()))
        while rig.got:
            rig.answer()
        await until(lambda: len(rig.told) == 2000)

    run(scenario, tmp_path)


def test_batches_of_a_dead_worker_are_done_again_one_at_a_time(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        first = rig.worker()
        for number in range(3):
            await rig.send(parcel(number))
        await until(lambda: len(rig.got) == 3)
        rig.got.clear()
        rig.gone(first)
        rig.worker()
        for done in range(3):
            await until(lambda: rig.got)
            await asyncio.sleep(0.02)
            assert len(rig.got) == 1
            assert rig.got[0][2].suspect
            rig.answer()
            await until(lambda done=done: len(rig.told) == done + 1)
        assert {verdict.batch_id for verdict in rig.told} == {parcel(number).batch_id for number in range(3)}

    run(scenario, tmp_path)


def test_a_line_that_kills_again_is_found_by_halving(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        worker = rig.worker()
        await rig.send(parcel(7, b"a\nb\npoison\nd\n"))
        deaths = 0
        while not rig.told:
            await until(lambda: rig.got or rig.told)
            if rig.told:
                break
            batch = rig.got[0][2]
            if b"poison" in batch.lines:
                deaths += 1
                rig.got.clear()
                rig.gone(worker, trying_text(batch.batch_id, batch.first_line) if batch.suspect else None)
                worker = rig.worker()
            else:
                rig.answer(batch.lines.count(b"\n"))
        assert rig.told[0].accepted == 3
        assert [(error.line, error.document) for error in rig.told[0].errors] == [(2, b"poison")]
        assert deaths == 4

    run(scenario, tmp_path)


def test_an_innocent_suspect_is_not_convicted_for_another(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        worker = rig.worker()
        await rig.send(parcel(1, b"only\n"))
        await until(lambda: rig.got)
        rig.got.clear()
        for _ in range(3):
            rig.gone(worker, trying="00:0")
            worker = rig.worker()
            await until(lambda: rig.got)
            rig.got.clear() if len(rig.workers) < 4 else None
        rig.answer()
        await until(lambda: rig.told)
        assert rig.told[0].accepted == 1

    run(scenario, tmp_path)


def test_a_question_is_answered_and_a_dead_worker_leaves_none_open(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        replies: list[AnyReply] = []
        for _ in range(QUESTIONS_PER_SESSION + 1):
            rig.acceptor.ask(Ping(), replies.append)
        assert replies == [Unavailable("no worker is running")], "the others wait for one"
        number = rig.worker()
        await until(lambda: len(rig.asked) == QUESTIONS_PER_SESSION)
        for link, question in rig.asked:
            link.reply(question, Pong(False))
        await until(lambda: len(replies) == 1 + QUESTIONS_PER_SESSION)
        del replies[1:]
        rig.asked.clear()
        await rig.send(parcel(1))
        for _ in range(QUESTIONS_PER_SESSION + 1):
            rig.acceptor.ask(Ping(), replies.append)
        assert isinstance(replies[1], Unavailable)
        await until(lambda: len(rig.asked) == QUESTIONS_PER_SESSION)
        link, question = rig.asked[5]
        link.reply(question, Pong(True))
        await until(lambda: len(replies) == 3)
        assert replies[2] == Pong(True)
        rig.gone(number)
        assert len(replies) == 2 + QUESTIONS_PER_SESSION
        assert {type(reply) for reply in replies[3:]} == {Unavailable}

    run(scenario, tmp_path)


def test_a_frame_that_is_stumbled_over_does_not_stop_those_after_it(tmp_path: Path, caplog: LogCaptureFixture) -> None:
    async def scene() -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        ours, theirs = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        ours.bind(f"ipc://{tmp_path}/pair.sock")
        theirs.connect(f"ipc://{tmp_path}/pair.sock")
        got: list[bytes] = []

        def receive(parts: list[bytes]) -> None:
            got.extend(parts)
            if parts == [b"bad"]:
                raise ValueError

        reader = EdgeReader(asyncio.get_running_loop(), ours, receive)
        for frame in (b"bad", b"good", b"bad", b"good"):
            theirs.send(frame)
        await until(lambda: len(got) == 4)
        assert "a frame could not be handled" in caplog.text
        reader.close()
        theirs.close()
        context.term()

    asyncio.run(scene())


def test_frames_that_take_long_leave_others_their_turn(tmp_path: Path) -> None:
    async def scene() -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        ours, theirs = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
        ours.bind(f"ipc://{tmp_path}/pair.sock")
        theirs.connect(f"ipc://{tmp_path}/pair.sock")
        got: list[float] = []

        def receive(parts: list[bytes]) -> None:
            end = time.monotonic() + DRAIN_SECONDS
            while time.monotonic() < end:
                pass
            got.append(time.monotonic())

        for _ in range(5):
            theirs.send(b"x")
        reader = EdgeReader(asyncio.get_running_loop(), ours, receive)
        turns = 0
        while len(got) < 5:
            turns += 1
            await asyncio.sleep(0)
        assert turns >= 5
        reader.close()
        theirs.close()
        context.term()

    asyncio.run(scene())


def test_some_questions_always_go_to_the_first_worker(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        first, second = rig.worker(), rig.worker()
        await until(lambda: len(rig.acceptor._sessions) == 2)
        replies: list[AnyReply] = []
        for _ in range(5):
            rig.acceptor.ask(FindConfiguration("shop", ""), replies.append)
        await until(lambda: len(rig.asked) == 5)
        assert [link in rig.workers[first - 1]._links.values() for link, _ in rig.asked] == [True] * 5
        rig.gone(first)
        assert {type(reply) for reply in replies} == {Unavailable}
        rig.acceptor.ask(FindConfiguration("shop", ""), replies.append)
        await until(lambda: len(rig.asked) == 6)
        assert rig.asked[5][0] in rig.workers[second - 1]._links.values()

    run(scenario, tmp_path)
