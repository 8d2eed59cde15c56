"""TLS on real sockets, on both kinds of loop, with fake workers."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import socket
import ssl
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from http_fakes import FakeCourier, make_part, new_tally
from tidegate.daemon.acceptor.app import Acceptor
from tidegate.daemon.settings.parts import ForwardingPart
from tidegate.daemon.tls import handshakes
from tidegate.daemon.tls.layer import TlsLayer
from tls_authority import POLICY, Authority

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
META = b'{"metadata":{}}\n'
LINE = b'{"log":{"message":"m"}}\n'
PLAIN = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


def post(body: bytes) -> bytes:
    return f"POST /intake/v2/events?verbose HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Running:
    """An acceptor that speaks TLS."""

    def __init__(self, authority: Authority, policy: dict[str, Any] | None = None, **settings: Any) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.authority = authority
        part = make_part(
            tls=msgspec.structs.replace(POLICY, **(policy or {})), certificates=authority.part(), **settings
        )
        self.courier = FakeCourier(at_once=True)
        self.acceptor = Acceptor(part, self.courier, [self.socket], asyncio.get_running_loop(), None, new_tally())
        self.acceptor.start()

    async def connect(self, version: ssl.TLSVersion | None = None, *, own: bool = False) -> Client:
        return await self.open(self.authority.client_context(version, own=own))

    async def open(self, context: ssl.SSLContext) -> Client:
        return Client(*await asyncio.open_connection("127.0.0.1", self.port, ssl=context, server_hostname="localhost"))

    async def plain(self) -> Client:
        return Client(*await asyncio.open_connection("127.0.0.1", self.port))

    async def stop(self) -> None:
        await self.acceptor.drain(2)
        assert self.acceptor.connections == 0


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, data: bytes) -> tuple[int, bytes]:
        self.writer.write(data)
        return await self.answer()

    async def answer(self) -> tuple[int, bytes]:
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            return int(head[9:12]), await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """All that comes until the end; a reset is an end."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b"(reset)"

    def fingerprint(self) -> str:
        shown = self.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return hashlib.sha256(shown).hexdigest()

    def close(self) -> None:
        self.writer.transport.abort()


Scene = Callable[[], Awaitable[None]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def fails(connecting: Awaitable[Client]) -> bool:
    """Whether the handshake fails. In TLS 1.3 a client learns only afterwards that its certificate is refused."""
    try:
        client = await connecting
        return b"200" not in await client.rest()
    except (ssl.SSLError, ConnectionError):
        return True


def test_serves_and_keeps_connections(run: Callable[[Scene], None], authority: Authority) -> None:
    async def scene() -> None:
        running = Running(authority)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            client = await running.connect(version)
            assert (await client.ask(GET))[0] == 200
            assert await client.ask(post(META + LINE * 20_000)) == (202, b'{"accepted":20000}\n')
            assert (await client.ask(post(b"nonsense")))[0] == 400
            assert (await client.ask(GET))[0] == 200
            client.close()
        assert await fails(running.connect(ssl.TLSVersion.TLSv1_1))
        await running.stop()

    run(scene)


def test_an_older_version_only_when_it_is_named(run: Callable[[Scene], None], authority: Authority) -> None:
    async def scene() -> None:
        running = Running(authority, {"minimum_version": "TLSv1.1"})
        client = await running.connect(ssl.TLSVersion.TLSv1_1)
        assert (await client.ask(GET))[0] == 200
        client.close()
        await running.stop()

    run(scene)


def test_plain_http_gets_a_clear_answer_and_nonsense_gets_none(
    run: Callable[[Scene], None], authority: Authority
) -> None:
    async def scene() -> None:
        running = Running(authority)
        for sent, answer in ((post(LINE * 50_000), PLAIN), (b"G", PLAIN), (b"\x00\x01", b""), (b"\x80", b"")):
            client = await running.plain()
            client.writer.write(sent)
            assert await client.rest() == answer
            client.close()
        garbage = await running.plain()
        garbage.writer.write(b"\x16\x03\x01\x00\x05nonsense that is no hello")
        assert (await garbage.rest())[:1] == b"\x15", "an alert"
        garbage.close()
        await running.stop()

    run(scene)


def test_a_refusal_arrives_although_its_body_is_not_read(run: Callable[[Scene], None], authority: Authority) -> None:
    async def scene() -> None:
        running = Running(authority)
        client = await running.connect()
        size = 4_000_000
        client.writer.write(f"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
        client.writer.write(b"x" * size)
        assert (await client.answer())[0] == 404
        assert await client.rest() == b""
        client.close()
        await running.stop()

    run(scene)


def test_a_client_may_end_its_side_first(run: Callable[[Scene], None], authority: Authority) -> None:
    """By TCP's end without TLS's, as many clients do, while its answer is still to come."""

    async def scene() -> None:
        running = Running(authority)
        running.courier.at_once = False
        client = await running.connect()
        client.writer.write(post(META + LINE))
        async with asyncio.timeout(5):
            while not running.courier.unanswered:
                await asyncio.sleep(0.005)
        with socket.socket(fileno=os.dup(client.writer.get_extra_info("socket").fileno())) as same:
            same.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0.05)
        running.courier.answer_all()
        assert (await client.answer())[0] == 202
        client.close()
        await running.stop()

    run(scene)


@pytest.mark.parametrize(
    ("mode", "without", "with_own"), [("none", True, True), ("optional", True, True), ("required", False, True)]
)
def test_client_certificates(
    run: Callable[[Scene], None], authority: Authority, tmp_path: Path, mode: str, without: bool, with_own: bool
) -> None:
    stranger = Authority(tmp_path / "other")

    async def scene() -> None:
        running = Running(authority, {"client_authentication": mode})
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for own, passes in ((False, without), (True, with_own)):
                if not passes:
                    assert await fails(running.connect(version, own=own))
                    continue
                client = await running.connect(version, own=own)
                assert (await client.ask(GET))[0] == 200
                client.close()
            context = authority.client_context(version)
            context.load_cert_chain(stranger.client)
            if mode != "none":
                assert await fails(running.open(context)), "of another authority"
        await running.stop()

    run(scene)


def test_new_certificates_are_for_new_connections(run: Callable[[Scene], None], authority: Authority) -> None:
    async def scene() -> None:
        running = Running(authority)
        old = await running.connect()
        assert (await old.ask(GET))[0] == 200
        authority.renew()
        running.acceptor.show(authority.part())
        new = await running.connect()
        assert old.fingerprint() != new.fingerprint()
        for client in (old, new, old):
            assert (await client.ask(GET))[0] == 200
        old.close()
        new.close()
        await running.stop()

    run(scene)


def test_stalled_handshakes_hold_nothing(
    run: Callable[[Scene], None], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have a time, and half of the connections at most: others get in at once."""
    monkeypatch.setattr(handshakes, "HANDSHAKE_SECONDS", 0.3)

    async def scene() -> None:
        running = Running(authority, max_connections=8)
        silent = [await running.plain() for _ in range(30)]
        for client in silent[::2]:
            client.writer.write(b"\x16\x03\x01")
        client = await running.connect()
        assert (await client.ask(GET))[0] == 200
        assert all([not await one.rest() or True for one in silent])
        assert (await client.ask(GET))[0] == 200
        client.close()
        for one in silent:
            one.close()
        await running.stop()

    run(scene)


def test_check_10_connections_count_before_their_handshake(run: Callable[[Scene], None], authority: Authority) -> None:
    async def scene() -> None:
        running = Running(authority, max_connections_per_address=2, forwarding=ForwardingPart((), from_right=False))
        silent = [await running.plain() for _ in range(2)]
        third = await running.plain()
        assert await third.reader.read() == b""
        silent.pop().close()
        async with asyncio.timeout(5):
            while running.acceptor._listener.connections > 1:
                await asyncio.sleep(0.005)
        client = await running.connect()
        assert (await client.ask(GET))[0] == 200
        for one in (*silent, third, client):
            one.close()
        await running.stop()

    run(scene)


def test_stopping_cuts_handshakes_and_lets_requests_end(run: Callable[[Scene], None], authority: Authority) -> None:
    async def scene() -> None:
        running = Running(authority)
        running.courier.at_once = False
        silent, busy, idle = await running.plain(), await running.connect(), await running.connect()
        assert (await idle.ask(GET))[0] == 200
        busy.writer.write(post(META + LINE))
        async with asyncio.timeout(5):
            while not running.courier.unanswered:
                await asyncio.sleep(0.005)
        stopping = asyncio.ensure_future(running.stop())
        assert await idle.rest() == b""
        assert await silent.rest() in (b"", b"(reset)")
        running.courier.answer_all()
        assert (await busy.answer())[0] == 202
        assert await busy.rest() == b""
        for client in (silent, busy, idle):
            client.close()
        await stopping

    run(scene)


def test_a_slow_reader_is_waited_for_and_answers_stay_whole(run: Callable[[Scene], None], authority: Authority) -> None:
    """Thousands of pipelined requests whose answers nobody reads yet: we stop reading, and go on later."""

    async def scene() -> None:
        running = Running(authority)
        client = await running.connect()
        number = 3000
        writing = asyncio.ensure_future(_write(client, GET * number))
        await asyncio.sleep(0.3)
        for _ in range(number):
            assert (await client.answer())[0] == 200
        await writing
        client.close()
        await running.stop()

    run(scene)


async def _write(client: Client, data: bytes) -> None:
    for at in range(0, len(data), 4096):
        client.writer.write(data[at : at + 4096])
        await client.writer.drain()


def test_a_connection_leaves_nothing_to_the_garbage_collector(
    run: Callable[[Scene], None], authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL's memory, some 30 KiB each, must go with the connection."""
    made: list[weakref.ref[Any]] = []
    opened = TlsLayer._shake

    def remembered(layer: TlsLayer) -> None:
        made.append(weakref.ref(layer._tls))
        opened(layer)

    monkeypatch.setattr(TlsLayer, "_shake", remembered)

    async def scene() -> None:
        running = Running(authority)
        gc.collect()
        gc.disable()
        try:
            client = await running.connect()
            assert (await client.ask(GET))[0] == 200
            client.close()
            async with asyncio.timeout(5):
                while running.acceptor.connections:
                    await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            assert made
            assert all(one() is None for one in made)
        finally:
            gc.enable()
        await running.stop()

    run(scene)
