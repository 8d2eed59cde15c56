"""The client against servers that answer early, late, badly or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tidegate.loadtest.client import Answer, Client, Lost
from tidegate.loadtest.target import Target

ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[Client]:
    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    client = Client(Target("127.0.0.1", server.sockets[0].getsockname()[1], None))
    try:
        yield client
    finally:
        await client.close()
        server.close()


def test_one_connection_serves_many_requests() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await reader.readuntil(b"body"):
            writer.write(ACCEPTED)

    async def run() -> list[Answer]:
        async with serving(serve) as client:
            return [await client.post("/", b"body", []) for _ in range(3)]

    assert asyncio.run(run()) == [Answer(202, b"")] * 3 and connections == 1


def test_an_answer_before_the_end_ends_the_stream() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"piece")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
        await writer.drain()
        await reader.read()

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000:
            sent += 1
            yield b"piece"
            await asyncio.sleep(0)

    async def run() -> Answer:
        async with serving(serve) as client:
            return await client.stream("/", pieces(), [])

    assert asyncio.run(run()) == Answer(401, b"no") and sent < 10_000


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 202", b"nonsense\r\n\r\n", b"HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\nshort"]
)
def test_what_is_no_answer_is_lost(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"body")
        writer.write(answer)

    async def run() -> None:
        async with serving(serve) as client:
            await client.post("/", b"body", [])

    with pytest.raises(Lost, match="connection cut"):
        asyncio.run(run())


def test_nobody_there_is_lost() -> None:
    with pytest.raises(Lost, match="connection refused"):
        asyncio.run(Client(Target("127.0.0.1", 1, None)).post("/", b"body", []))
