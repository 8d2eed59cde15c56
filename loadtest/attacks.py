"""What hostile and broken clients send: each attack is bytes on a connection of its own. All of it is to be refused.

What takes time to make is made once: the load generator is one process, and good clients are measured beside these.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import cache
from random import Random
from typing import NamedTuple

from tidegate.loadtest.profiles import BACKEND_PATH, BROWSER_PATH
from tidegate.loadtest.target import Target

PATIENCE_S = 10.0
"""As long as an attack holds its connection."""
_READ = 65_536
_METADATA = b'{"metadata":{"service":{"name":"siege","agent":{"name":"python","version":"6"}}}}\n'


class Attack(NamedTuple):
    """A name for the report, the pieces to send, seconds between them, and whether the answer is read."""

    name: str
    pieces: Callable[[Random], list[bytes]]
    pause: float = 0.0
    reads: bool = True


def _head(*headers: str, path: str = BACKEND_PATH, method: str = "POST") -> bytes:
    lines = (f"{method} {path} HTTP/1.1", "Host: siege", "Content-Type: application/x-ndjson", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def _post(body: bytes, *headers: str) -> list[bytes]:
    return [_head(f"Content-Length: {len(body)}", *headers), body]


@cache
def _bomb() -> list[bytes]:
    """64 MiB of zeros."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = squeeze.compress(_METADATA)
    zeros = bytes(1 << 20)
    packed += b"".join(squeeze.compress(zeros) for _ in range(64)) + squeeze.flush()
    return _post(packed, "Content-Encoding: gzip")


@cache
def _deep() -> list[bytes]:
    return _post(_METADATA + b'{"transaction":' + b"[" * 100_000 + b"\n")


def _noise(random: Random) -> list[bytes]:
    return _post(random.randbytes(4096))


def _bad_gzip(random: Random) -> list[bytes]:
    packed = bytearray(gzip.compress(_METADATA * 50))
    packed[random.randrange(10, len(packed))] ^= 0xFF
    return _post(bytes(packed), "Content-Encoding: gzip")


@cache
def _long_line() -> list[bytes]:
    return _post(_METADATA + b'{"transaction":{"name":"' + b"x" * 2_000_000 + b'"}}\n')


@cache
def _many_errors() -> list[bytes]:
    return _post(_METADATA + b'{"transaction":{"id":1}}\n' * 5_000)


@cache
def _trickled_head() -> list[bytes]:
    return [bytes([byte]) for byte in _head("X-Slow: " + "a" * 64)]


@cache
def _trickled_body() -> list[bytes]:
    return [_head("Content-Length: 1000000"), *[b"{"] * 64]


def _names(random: Random) -> list[bytes]:
    name = f"s{random.getrandbits(48):012x}"
    line = b'{"metadata":{"service":{"name":"%s","agent":{"name":"rum-js","version":"5"}}}}\n' % name.encode()
    return [_head(f"Content-Length: {len(line)}", path=BROWSER_PATH), line]


ATTACKS: tuple[Attack, ...] = (
    Attack("noise", _noise),
    Attack("bad gzip", _bad_gzip),
    Attack("bomb", lambda _: _bomb()),
    Attack("deep JSON", lambda _: _deep()),
    Attack("long line", lambda _: _long_line()),
    Attack("thousands of bad lines", lambda _: _many_errors()),
    Attack("two lengths", lambda _: [_head("Content-Length: 5", "Content-Length: 6"), b"hello!"]),
    Attack(
        "length and chunks",
        lambda _: [_head("Content-Length: 5", "Transfer-Encoding: chunked"), b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n"],
    ),
    Attack("bad chunk size", lambda _: [_head("Transfer-Encoding: chunked"), b"0x10\r\n"]),
    Attack("large head", lambda _: [_head("X: " + "y" * 2_000_000)]),
    Attack(
        "wrong token", lambda random: [_head("Content-Length: 0", f"Authorization: Bearer {random.getrandbits(64):x}")]
    ),
    Attack("many service names", _names),
    Attack(
        "other path", lambda random: [_head("Content-Length: 0", path=f"/{random.getrandbits(32):x}/../../etc/passwd")]
    ),
    Attack("head by the byte", lambda _: _trickled_head(), pause=0.2),
    Attack("body by the byte", lambda _: _trickled_body(), pause=0.2),
    Attack("answers not read", lambda _: _many_errors() * 4, reads=False),
    Attack("cut in the middle", lambda _: [_head("Content-Length: 100000"), _METADATA]),
)


async def attack(target: Target, one: Attack, random: Random) -> int:
    """Does it, and closes by force. The status of the first answer; 0 if there was none. Raises OSError where not even a
    connection could be had."""
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(target.host, target.port, ssl=target.tls)
    try:
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(PATIENCE_S):
                async for piece in _paced(one, random):
                    writer.write(piece)
                    await writer.drain()
                return await _status(reader) if one.reads and one.name != "cut in the middle" else 0
        return 0
    finally:
        sock = writer.get_extra_info("socket")
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


async def _paced(one: Attack, random: Random) -> AsyncIterator[bytes]:
    for piece in one.pieces(random):
        yield piece
        if one.pause:
            await asyncio.sleep(one.pause)


async def _status(reader: asyncio.StreamReader) -> int:
    line = await reader.readline()
    await reader.read(_READ)
    words = line.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
