"""The acceptor on real sockets, with fake workers."""

from __future__ import annotations

import asyncio
import errno
import gc
import gzip
import resource
import socket
import struct
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from http_fakes import FakeCourier, make_part, new_tally
from tidegate.daemon.acceptor import listener as listener_module
from tidegate.daemon.acceptor.app import Acceptor, address_table
from tidegate.daemon.acceptor.descriptors import connections_below
from tidegate.daemon.acceptor.listener import Listener
from tidegate.daemon.api.stream import IntakeStream
from tidegate.daemon.h1.phases import Phase
from tidegate.daemon.limits import holdings as holdings_module
from tidegate.daemon.settings.parts import ForwardingPart
from tidegate.daemon.telemetry.metrics import GIVEN_UP, place
from tidegate.daemon.wire.courier import Answered, Parcel
from tidegate.daemon.wire.frames import LineError, Verdict

META = b'{"metadata":{}}\n'
LINE = b'{"log":{"message":"m"}}\n'


def post(body: bytes, extra: str = "", query: str = "") -> bytes:
    head = f"POST /intake/v2/events{query} HTTP/1.1\r\nHost: x\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Running:
    """An acceptor that serves, and its address."""

    def __init__(self, courier: FakeCourier | None = None, **settings: Any) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.courier = courier or FakeCourier(at_once=True)
        part = make_part(**settings)
        self.acceptor = Acceptor(
            part,
            self.courier,
            [self.socket],
            asyncio.get_running_loop(),
            address_table(part, Path("limits")),
            new_tally(),
        )
        self.acceptor.start()

    async def connect(self) -> Connection:
        return Connection(*await asyncio.open_connection("127.0.0.1", self.port))

    async def quiet(self, connections: int) -> None:
        """Waits until so many connections are open."""
        async with asyncio.timeout(5):
            while self.acceptor.connections != connections:
                await asyncio.sleep(0.005)


class Connection:
    """A client's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, data: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        self.writer.write(data)
        return await self.answer()

    async def answer(self) -> tuple[int, bytes]:
        async with asyncio.timeout(5):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            return int(head[9:12]), await self.reader.readexactly(length)

    async def ended(self) -> bool:
        """Whether the server ends the connection."""
        try:
            async with asyncio.timeout(5):
                return await self.reader.read() == b""
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            pass


Scene = Callable[[], Awaitable[None]]


def test_check_10_connections_of_one_address_are_limited(run: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        running = Running(max_connections_per_address=2, forwarding=ForwardingPart((), from_right=False))
        kept = [await running.connect() for _ in range(2)]
        assert [(await connection.ask(GET))[0] for connection in kept] == [200, 200]
        third = await running.connect()
        assert await third.ended()
        await third.close()
        await kept.pop().close()
        await running.quiet(1)
        kept.append(await running.connect())
        assert (await kept[-1].ask(GET))[0] == 200
        for connection in kept:
            await connection.close()
        await running.quiet(0)
        assert await running.acceptor.drain(1) == 0

    run(scene)


def test_check_22_a_client_that_resets_before_it_is_accepted_is_no_trusted_proxy(run: Callable[[Scene], None]) -> None:
    """Its socket can still be read, but no longer says whose it is."""

    async def scene() -> None:
        running = Running(forwarding=ForwardingPart(("192.0.2.1",), from_right=False))
        with socket.create_connection(("127.0.0.1", running.port)) as client:
            client.sendall(post(META + LINE, "X-Forwarded-For: 203.0.113.9\r\n"))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        async with asyncio.timeout(5):
            while not running.courier.parcels:
                await asyncio.sleep(0.005)
        base = running.courier.parcels[0].base
        assert b"127.0.0.1" in base and b"203.0.113.9" not in base
        await running.quiet(0)
        await running.acceptor.drain(1)

    run(scene)


def test_clients_that_hold_too_much_without_moving_give_it_up(
    run: Callable[[Scene], None], caplog: pytest.LogCaptureFixture
) -> None:
    begun = post(META + b"x" * 250_000)[:200_000]
    half_a_head = b"GET / HTTP/1.1\r\nHost: x\r\nX-Padding: " + b"x" * 100_000

    async def scene() -> None:
        running = Running(connection_memory=1_000_000)
        clients = [await running.connect() for _ in range(8)]
        for client, data in zip(clients, [begun, half_a_head] * 4, strict=True):
            client.writer.write(data)
            await client.writer.drain()
            await asyncio.sleep(0.02)
        assert (await clients[0].answer())[0] == 503
        assert await clients[1].ended()
        assert "tidegate.connection_memory" in caplog.text
        assert running.acceptor._account.tally.get(place(GIVEN_UP)) >= 2
        assert running.acceptor.holdings.held <= 1_000_000
        fresh = await running.connect()
        assert (await fresh.ask(GET))[0] == 200
        assert running.acceptor.connections > 5, "only as many as was needed"
        for client in (*clients, fresh):
            await client.close()
        await running.quiet(0)
        assert (running.acceptor.holdings.held, running.acceptor.holdings.echoed) == (0, 0)
        await running.acceptor.drain(1)

    run(scene)


def test_answers_that_nobody_reads_get_shorter(run: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holdings_module, "ECHO_BYTES", 3_000_000)

    async def scene() -> None:
        running = Running(FakeCourier())
        clients = [await running.connect() for _ in range(30)]
        line = b"\x01" * 250_000

        def refused(parcel: Parcel, answered: Answered) -> bool:
            errors = [LineError(number, "no event", line) for number in range(5)]
            answered(Verdict(b"", parcel.batch_id, 0, 0, 5, errors))
            return True

        running.courier.try_send = refused  # type: ignore[method-assign] # workers that list what they refuse
        for client in clients:
            client.writer.transport.pause_reading()  # type: ignore[attr-defined] # of a socket's transport
            client.writer.write(post(META + b"nonsense\n"))
        async with asyncio.timeout(5):
            while len(answered_connections(running)) < len(clients):
                await asyncio.sleep(0.005)
        assert running.acceptor.holdings.echoed < 15_000_000, "the first one is whole and 7.5 MB long"
        for client in clients:
            client.writer.transport.abort()
        await running.quiet(0)
        assert running.acceptor.holdings.echoed == 0
        await running.acceptor.drain(1)

    run(scene)


def answered_connections(running: Running) -> list[object]:
    """Connections whose answer is written, as far as they let it."""
    return [one for one in running.acceptor._connections if one._phase in (Phase.IDLE, Phase.LINGER)]


def test_serves_and_keeps_connections(run: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        running = Running()
        client = await running.connect()
        assert (await client.ask(GET))[0] == 200
        assert await client.ask(post(META + LINE * 3)) == (202, b"")
        assert await client.ask(post(META + LINE * 3000, query="?verbose")) == (202, b'{"accepted":3000}\n')
        assert (await client.ask(post(b"nonsense")))[0] == 400
        assert (await client.ask(GET))[0] == 200
        await client.close()
        await running.quiet(0)
        assert await running.acceptor.drain(1) == 0

    run(scene)


def test_connections_above_the_limit_wait(run: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        running = Running(max_connections=2)
        first, second, third = [await running.connect() for _ in range(3)]
        for client in (first, second):
            assert (await client.ask(GET))[0] == 200
        third.writer.write(GET)
        await asyncio.sleep(0.05)
        assert running.acceptor.connections == 2
        await first.close()
        assert (await third.answer())[0] == 200
        fourth = await running.connect()
        fourth.writer.write(GET)
        running.acceptor.reload(make_part(max_connections=3), None)
        assert (await fourth.answer())[0] == 200
        for client in (second, third, fourth):
            await client.close()
        await running.quiet(0)
        await running.acceptor.drain(1)

    run(scene)


def test_draining_ends_idle_connections_and_waits_for_busy_ones(run: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        running = Running(courier := FakeCourier())
        idle, busy, stuck = [await running.connect() for _ in range(3)]
        await idle.ask(GET)
        body = post(META + LINE)
        for client in (busy, stuck):
            client.writer.write(body[:-3])
        await running.quiet(3)
        await asyncio.sleep(0.05)
        draining = asyncio.create_task(running.acceptor.drain(0.5))
        assert await idle.ended()
        with pytest.raises(ConnectionError):
            await running.connect()
        busy.writer.write(body[-3:])
        while not courier.unanswered:
            await asyncio.sleep(0.005)
        courier.answer_all()
        assert await busy.answer() == (202, b"")
        assert await busy.ended()
        await busy.close()
        assert await draining == 1
        assert await stuck.ended()
        for client in (idle, stuck):
            await client.close()
        assert running.acceptor.connections == 0

    run(scene)


def test_a_reload_holds_for_the_next_request(run: Callable[[Scene], None]) -> None:
    async def scene() -> None:
        running = Running()
        client = await running.connect()
        assert b'"version":"9.5.2"' in (await client.ask(GET))[1]
        running.acceptor.reload(make_part(version="9.9.9"), None)
        running.acceptor.state.publish_ready = True
        body = (await client.ask(GET))[1]
        assert b'"version":"9.9.9"' in body
        assert b'"publish_ready":true' in body
        await client.close()
        await running.acceptor.drain(1)

    run(scene)


def test_a_finished_request_leaves_nothing_to_the_garbage_collector(
    run: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream holds some 100 KB of inflater: thousands a second must go at once, not when the collector comes."""
    streams: list[weakref.ref[IntakeStream]] = []
    start = IntakeStream.start

    def remembered(stream: IntakeStream) -> None:
        streams.append(weakref.ref(stream))
        start(stream)

    monkeypatch.setattr(IntakeStream, "start", remembered)

    async def scene() -> None:
        running = Running()
        client = await running.connect()
        gc.disable()
        try:
            assert (await client.ask(post(gzip.compress(META + LINE * 3000, mtime=0), "Content-Encoding: gzip\r\n")))[
                0
            ] == 202
            assert (await client.ask(post(b"nonsense")))[0] == 400
            await client.ask(GET)
            assert [stream() for stream in streams] == [None, None]
        finally:
            gc.enable()
        await client.close()
        await running.acceptor.drain(1)

    run(scene)


class EmptyHanded(socket.socket):
    """A listening socket of a process without free descriptors."""

    tries = 0

    def accept(self) -> tuple[socket.socket, Any]:
        type(self).tries += 1
        raise OSError(errno.EMFILE, "Too many open files")


def test_without_descriptors_it_pauses_and_says_so(
    run: Callable[[Scene], None], caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        EmptyHanded.tries = 0
        with EmptyHanded() as listening, socket.socket() as client:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            loop = asyncio.get_running_loop()
            listener = Listener(loop, [listening], lambda peer: asyncio.Protocol(), 0, lambda ip: True, lambda ip: None)
            listener.start()
            client.connect(listening.getsockname())
            await asyncio.sleep(0.2)
            assert EmptyHanded.tries == 1
            assert "LimitNOFILE" in caplog.text
            listener.close()

    run(scene)


@pytest.mark.parametrize(("limit", "room"), [(1024, 960), (65, 1), (20, 1), (resource.RLIM_INFINITY, 2**31)])
def test_descriptors_are_kept_back_for_others_than_clients(limit: int, room: int) -> None:
    assert connections_below(limit) == room


def test_clients_beyond_the_room_for_connections_wait(
    run: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener_module, "room_for_connections", lambda: 1)

    async def scene() -> None:
        running = Running()
        first, second = await running.connect(), await running.connect()
        assert (await first.ask(GET))[0] == 200
        second.writer.write(GET)
        await asyncio.sleep(0.1)
        assert running.acceptor.connections == 1
        assert "LimitNOFILE" in caplog.text
        await first.close()
        assert (await second.answer())[0] == 200
        await second.close()
        await running.acceptor.drain(1)

    run(scene)
