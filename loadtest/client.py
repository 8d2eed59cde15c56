"""One client connection, HTTP/1.1 by h11: whole requests and streamed ones; the answer is seen while the body still goes out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import NamedTuple

import h11
from tidegate.loadtest.target import Target

CONNECT_S = 10.0
ANSWER_S = 60.0
"""Above any timeout that a server may have for itself: what waits longer counts as lost."""
_READ = 65_536
ANSWER_BYTES = 65_536
"""As much of an answer as is kept; the rest is read and forgotten."""


class Lost(Exception):
    """No answer came; the message is a short reason for the counts."""


class Answer(NamedTuple):
    """What the server said."""

    status: int
    body: bytes


class Client:
    """Connects when it has to. Not for several requests at once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._http: h11.Connection | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.sent = 0
        """Bytes written so far, on all connections."""

    async def post(self, path: str, body: bytes, headers: list[tuple[str, str]]) -> Answer:
        """Sends a request of known length. Raises Lost."""
        return await self._exchange(path, [*headers, ("content-length", str(len(body)))], _once(body))

    async def stream(self, path: str, pieces: AsyncIterator[bytes], headers: list[tuple[str, str]]) -> Answer:
        """Sends pieces as they come, each a chunk (or a part of the body, where `headers` say its length); stops when the
        answer is there. Raises Lost."""
        if not any(name == "content-length" for name, _ in headers):
            headers = [*headers, ("transfer-encoding", "chunked")]
        return await self._exchange(path, headers, pieces)

    async def close(self) -> None:
        """Ends the connection."""
        writer, self._writer, self._http = self._writer, None, None
        if writer is not None:
            writer.close()
            with suppress(OSError, asyncio.TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _exchange(self, path: str, headers: list[tuple[str, str]], pieces: AsyncIterator[bytes]) -> Answer:
        try:
            http, reader, writer = await self._open()
            head = [("host", f"{self._target.host}:{self._target.port}"), *self._target.headers, *headers]
            self._write(writer, http.send(h11.Request(method="POST", target=path, headers=head)))
            answer = asyncio.ensure_future(_answer(http, reader))
            try:
                await self._send(http, writer, pieces, answer)
                async with asyncio.timeout(ANSWER_S):
                    found = await answer
            finally:
                answer.cancel()
                with suppress(BaseException):
                    await answer
        except (OSError, TimeoutError, h11.RemoteProtocolError, asyncio.IncompleteReadError) as problem:
            await self.close()
            raise Lost(_reason(problem)) from problem
        except BaseException:
            await self.close()
            raise
        if http.our_state is h11.DONE and http.their_state is h11.DONE:
            http.start_next_cycle()
        else:
            await self.close()
        return found

    async def _send(
        self,
        http: h11.Connection,
        writer: asyncio.StreamWriter,
        pieces: AsyncIterator[bytes],
        answer: asyncio.Future[Answer],
    ) -> None:
        """The body, unless the server has answered before its end."""
        async for piece in pieces:
            if answer.done():
                return
            self._write(writer, http.send(h11.Data(piece)))
            await _drained(writer, answer)
        if not answer.done():
            self._write(writer, http.send(h11.EndOfMessage()))
            await _drained(writer, answer)

    def _write(self, writer: asyncio.StreamWriter, data: bytes | None) -> None:
        if data:
            self.sent += len(data)
            writer.write(data)

    async def _open(self) -> tuple[h11.Connection, asyncio.StreamReader, asyncio.StreamWriter]:
        if self._http is None or self._reader is None or self._writer is None or self._reader.at_eof():
            await self.close()
            async with asyncio.timeout(CONNECT_S):
                self._reader, self._writer = await asyncio.open_connection(
                    self._target.host, self._target.port, ssl=self._target.tls
                )
            self._http = h11.Connection(h11.CLIENT)
        return self._http, self._reader, self._writer


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _drained(writer: asyncio.StreamWriter, answer: asyncio.Future[Answer]) -> None:
    """Waits until there is room to write, or an answer."""
    drain = asyncio.ensure_future(writer.drain())
    await asyncio.wait((drain, answer), return_when=asyncio.FIRST_COMPLETED, timeout=ANSWER_S)
    if not drain.done():
        drain.cancel()
        if not answer.done():
            raise TimeoutError
        return
    await drain


async def _answer(http: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    status = 0
    body = bytearray()
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(_READ))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data[: ANSWER_BYTES - len(body)]
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, bytes(body))
        elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
            raise ConnectionResetError


def _reason(problem: BaseException) -> str:
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    if isinstance(problem, ConnectionRefusedError):
        return "connection refused"
    if isinstance(
        problem, h11.RemoteProtocolError | ConnectionResetError | BrokenPipeError | asyncio.IncompleteReadError
    ):
        return "connection cut"
    return getattr(problem, "strerror", None) or type(problem).__name__


def now_us() -> int:
    """A clock for durations, µs."""
    return time.monotonic_ns() // 1000
