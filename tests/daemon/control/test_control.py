import asyncio
import socket

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.control import messages
from tidegate.daemon.control.channel import Channel
from tidegate.daemon.settings.parts import CertificatesPart
from tidegate.daemon.telemetry.notes import RefusalNote, ServiceNote

EVERY = [
    messages.Configure(1, 2, "/run/x", True, msgspec.Raw(b'{"a":1}')),
    messages.Acceptors([messages.AcceptorAddress(1, 5, "ipc:///run/x/a.sock")]),
    messages.WorkerGone(2, 9, "ab:0"),
    messages.StoreReady(),
    messages.Certificates(CertificatesPart("certificate", "key", "", "")),
    messages.Drain(1.5),
    messages.Started("ipc:///run/x/a.sock", ["no Landlock"]),
    messages.Failed("no", 1),
    messages.Heartbeat(),
    messages.Trying(None),
    messages.Inquire(1, "shop"),
    messages.Findings(1, [ServiceNote("shop", "python", 1.5, 1)], [RefusalNote("unauthorized", "agent", 2, 1.5)]),
    messages.Logged(1.5, "warning", "something"),
]


@given(st.lists(st.sampled_from(EVERY), max_size=6), st.integers(1, 40))
def test_messages_come_out_whole_however_they_are_cut(sent: list[messages.AnyMessage], size: int) -> None:
    data = b"".join(map(messages.pack, sent))
    unpacker = messages.Unpacker()
    got = [found for at in range(0, len(data), size) for found in unpacker.feed(data[at : at + size])]
    assert got == sent


@given(st.binary(max_size=64))
def test_nonsense_is_one_error(data: bytes) -> None:
    try:
        list(messages.Unpacker().feed(data))
    except messages.ControlError:
        pass


def test_a_message_of_another_size_than_possible_is_refused() -> None:
    with pytest.raises(messages.ControlError, match="4294967295 bytes"):
        list(messages.Unpacker().feed(b"\xff\xff\xff\xff"))


def test_a_channel_carries_messages_and_tells_its_end_once() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        one, other = socket.socketpair()
        got: list[messages.AnyMessage] = []
        ended: list[bool] = []
        left = Channel(loop, one, got.append, lambda: ended.append(True))
        right = Channel(loop, other, got.append, lambda: ended.append(True))
        large = messages.Failed("x" * 1_000_000, 1)
        left.send(large)
        left.send(messages.Heartbeat())
        async with asyncio.timeout(10):
            while len(got) < 2:
                await asyncio.sleep(0)
        left.close()
        async with asyncio.timeout(10):
            while not ended:
                await asyncio.sleep(0)
        right.send(large)
        assert got == [large, messages.Heartbeat()]
        assert ended == [True]

    asyncio.run(scenario())


def test_the_last_words_of_the_dead_are_read() -> None:
    async def scenario() -> None:
        one, other = socket.socketpair()
        got: list[messages.AnyMessage] = []
        channel = Channel(asyncio.get_running_loop(), one, got.append, lambda: None)
        other.sendall(messages.pack(messages.Failed("no", 1)) + messages.pack(messages.Trying("ab:1"))[:-3])
        other.close()
        channel.read_rest()
        channel.close()
        assert got == [messages.Failed("no", 1)]

    asyncio.run(scenario())
