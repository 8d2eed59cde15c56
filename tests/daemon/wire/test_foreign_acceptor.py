"""What a worker's link makes of an acceptor in foreign hands: frames of every kind, over real ZeroMQ sockets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import zmq
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.control.messages import AcceptorAddress
from tidegate.daemon.wire.frames import (
    BATCH_HEADER_BYTES,
    Batch,
    Hello,
    WireError,
    pack_batch,
    pack_question,
    unpack_from_acceptor,
    unpack_from_worker,
)
from tidegate.daemon.wire.questions import QUESTIONS_PER_SESSION, Answer, Ping, Pong, Question, Unavailable
from tidegate.daemon.wire.worker_links import WorkerLink, WorkerLinks

PATIENCE_S = 10
GOOD = Batch(b"s" * 8, b"i" * 16, 0, 0, 0, 0, b"{}", b"m", b"x\n")


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.001)


class Rig:
    """A worker's links, and a bare socket in the place of its acceptor."""

    def __init__(self, folder: Path) -> None:
        endpoint = f"ipc://{folder}/a.sock"
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.acceptor = self.context.socket(zmq.ROUTER)
        self.acceptor.setsockopt(zmq.LINGER, 0)
        self.acceptor.setsockopt(zmq.SNDHWM, 0)
        self.acceptor.bind(endpoint)
        self.batches: list[Batch] = []
        self.asked: list[tuple[WorkerLink, Question]] = []
        self.links = WorkerLinks(
            asyncio.get_running_loop(),
            1,
            1,
            1 << 20,
            300_000,
            lambda link, batch: self.batches.append(batch),
            lambda link, question: self.asked.append((link, question)),
        )
        self.links.follow([AcceptorAddress(1, 1, endpoint)])

    async def hello(self) -> bytes:
        _, frame = await self.receive()
        hello = unpack_from_worker(frame)
        assert isinstance(hello, Hello)
        return hello.session

    async def receive(self) -> list[bytes]:
        await until(lambda: self.acceptor.poll(0))
        return self.acceptor.recv_multipart()

    def close(self) -> None:
        self.links.close()
        self.acceptor.close()
        self.context.destroy(linger=0)


def run(scenario: Callable[[Rig], object], folder: Path) -> None:
    async def whole() -> None:
        rig = Rig(folder)
        try:
            await scenario(rig)  # type: ignore[misc]  # scenarios are coroutine functions
        finally:
            rig.close()

    asyncio.run(whole())


def test_check_41_frames_of_any_kind_cost_nobody_anything(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.hello()
        good = pack_batch(GOOD._replace(session=session))
        dice = random.Random(41)
        frames = [b"", b"B", b"Q", b"Q\xc1", b"V", b"H", b"\xff" * 300, good[:BATCH_HEADER_BYTES], good[:40]]
        frames.append(good[:29] + b"\xff" * (BATCH_HEADER_BYTES - 29) + good[BATCH_HEADER_BYTES:])
        frames.append(pack_batch(GOOD._replace(session=b"another!")))
        frames += [dice.randbytes(dice.randrange(200)) for _ in range(200)]
        frames += [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in (0, *range(2, 10))]
        for frame in frames:
            rig.acceptor.send_multipart((session, frame))
        rig.acceptor.send_multipart((session, good[:5], good[5:], b"more parts"))
        rig.acceptor.send_multipart((session, good))
        await until(lambda: rig.batches)
        assert [batch.lines for batch in rig.batches] == [b"x\n"]

    run(scenario, tmp_path)


def test_check_41_a_batch_that_is_sent_again_keeps_its_ids(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.hello()
        for _ in range(3):
            rig.acceptor.send_multipart((session, pack_batch(GOOD._replace(session=session))))
        await until(lambda: len(rig.batches) == 3)
        assert len({batch.batch_id for batch in rig.batches}) == 1, "the store takes it once"

    run(scenario, tmp_path)


def test_check_41_a_flood_of_questions_reaches_no_store(tmp_path: Path) -> None:
    async def scenario(rig: Rig) -> None:
        session = await rig.hello()
        for number in range(QUESTIONS_PER_SESSION * 3):
            rig.acceptor.send_multipart((session, pack_question(Question(session, number, Ping()))))
        for _ in range(QUESTIONS_PER_SESSION * 2):
            _, frame = await rig.receive()
            answer = unpack_from_worker(frame)
            assert isinstance(answer, Answer) and isinstance(answer.reply, Unavailable)
        assert len(rig.asked) == QUESTIONS_PER_SESSION
        for link, question in rig.asked:
            link.reply(question, Pong(True))
        for _ in rig.asked:
            await rig.receive()
        rig.acceptor.send_multipart((session, pack_question(Question(session, 999, Ping()))))
        await until(lambda: len(rig.asked) == QUESTIONS_PER_SESSION + 1)

    run(scenario, tmp_path)


@given(st.binary(max_size=200) | st.binary(max_size=120).map(lambda data: pack_batch(GOOD)[:1] + data))
def test_any_bytes_are_a_frame_or_the_one_error(frame: bytes) -> None:
    for unpack in (unpack_from_acceptor, unpack_from_worker):
        try:
            unpack(frame)
        except WireError:
            continue
