"""TLS between the loop's transport and what speaks HTTP: a protocol for the one, a transport for the other.

The event loops bring a TLS transport of their own. This one exists because theirs cannot half-close (a refusal would be
destroyed by the body that nobody reads), keeps 256 KiB of buffer for each connection, and begins a handshake before
anybody knows whether the client speaks TLS at all.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Any, cast

from tidegate.daemon.h1.alarm import Clock, Handle
from tidegate.daemon.h1.bounds import READ_BYTES
from tidegate.daemon.h1.protocol import HttpProtocol
from tidegate.daemon.tls.handshakes import Handshakes

PLAIN_HTTP = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
"""http-surface.md 2.7"""

PARTING_SECONDS = 1.0
"""How long a connection that is refused waits for its client to take note: closing over unread data would destroy the alert."""

_HANDSHAKE_RECORD = 22
"""The first byte of every TLS connection (RFC 8446 5.1)."""

_read_buffer = memoryview(bytearray(READ_BYTES))
"""Shared by all connections: the loop fills it and hands it over without anything in between."""

_log = logging.getLogger("tidegate.tls")


class State(Enum):
    """Of a connection; it only moves forward."""

    NEW = "nothing has come yet"
    SHAKING = "the handshake is under way"
    OPEN = "both sides speak"
    ENDING = "we have said all; what still comes is thrown away"
    CLOSED = "over"


class TlsLayer(asyncio.Transport, asyncio.BufferedProtocol):
    """One connection. What `make_above` returns gets decrypted bytes, and speaks through this object; `lost` is called instead
    when the connection is gone before its handshake is over."""

    def __init__(
        self,
        context: ssl.SSLContext,
        make_above: Callable[[], HttpProtocol],
        handshakes: Handshakes,
        clock: Clock,
        lost: Callable[[], None],
    ) -> None:
        super().__init__()
        self._context = context
        self._make_above = make_above
        self._handshakes = handshakes
        self._clock = clock
        self._lost = lost
        self._state = State.NEW
        self._was_open = False
        self._paused = False
        self._ended = False
        self._told_end = False
        self._parting: Handle | None = None

    # ------------------------------------------------------------------------------------------- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._below = cast(asyncio.Transport, transport)
        self._handshakes.begin(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._state is State.NEW:
            if _read_buffer[0] != _HANDSHAKE_RECORD:
                self._not_tls(_read_buffer[0])
                return
            # Not earlier: a client that sends nothing costs a socket and no more.
            self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = self._context.wrap_bio(self._incoming, self._outgoing, server_side=True)
            self._state = State.SHAKING
        if self._state is State.SHAKING:
            self._incoming.write(_read_buffer[:nbytes])
            self._shake()
        elif self._state is State.OPEN:
            self._incoming.write(_read_buffer[:nbytes])
            self._read()

    def eof_received(self) -> bool:
        if not self._was_open:
            return False
        self._ended = True
        if self._state is State.OPEN:
            self._read()
        else:
            self._tell_end()
        return self._state is not State.CLOSED

    def pause_writing(self) -> None:
        if self._was_open:
            self._above.pause_writing()

    def resume_writing(self) -> None:
        if self._was_open:
            self._above.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = State.CLOSED
        self._handshakes.done(self)
        if self._parting is not None:
            self._parting.cancel()
        if self._was_open:
            self._above.connection_lost(exc)
            # A stream may hold on to its connection for a while: not to OpenSSL's memory, and not in a circle.
            del self._above, self._tls, self._incoming, self._outgoing
        else:
            self._lost()

    # ------------------------------------------------------------------------------- what handshakes and `above` call

    def cut(self) -> None:
        """See `handshakes.Shaking`."""
        self._state = State.CLOSED
        self._below.abort()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Encrypts and sends. Nothing, once the end has been said."""
        if self._state is not State.OPEN:
            return
        left = memoryview(data)
        try:
            # Whatever its size: the memory behind it takes all, but one record at a time.
            while left:
                left = left[self._tls.write(left) :]
        except ssl.SSLError as problem:
            _log.debug("a TLS connection broke while writing: %s", problem.reason)
            self.abort()
            return
        self._flush()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Says the end, in TLS and in TCP; the client's own may come later."""
        if self._state is State.OPEN:
            self._say_end()
            self._state = State.ENDING
            self._below.write_eof()

    def close(self) -> None:
        """Says the end and closes when all is sent."""
        if self._state is State.OPEN:
            self._say_end()
        self._state = State.CLOSED
        self._below.close()

    def abort(self) -> None:
        self._state = State.CLOSED
        self._below.abort()

    def is_closing(self) -> bool:
        return self._state is State.CLOSED or self._below.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._below.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._below.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._below.get_write_buffer_size()

    def pause_reading(self) -> None:
        """What is decrypted already goes on; what is not waits, at most one read of it."""
        self._paused = True
        self._below.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        self._below.resume_reading()
        self._clock.call_soon(self._read)

    # -------------------------------------------------------------------------------------------------------- inside

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as problem:
            _log.debug("a TLS handshake failed: %s", problem.reason)
            self._flush()
            self._part()
            return
        self._handshakes.done(self)
        self._flush()
        self._state = State.OPEN
        self._was_open = True
        self._above = self._make_above()
        self._above.connection_made(self)
        self._read()

    def _read(self) -> None:
        """Hands on what has come, a buffer at a time, as long as it is wanted."""
        dry = False
        while not dry and self._state is State.OPEN and not self._paused:
            view = self._above.get_buffer(-1)
            filled = 0
            try:
                while filled < len(view):
                    # With a buffer it returns how many bytes are in it now.
                    count = cast(int, self._tls.read(len(view) - filled, cast(bytearray, view[filled:])))
                    if not count:
                        self._ended = dry = True
                        break
                    filled += count
            except ssl.SSLWantReadError:
                dry = True
            except ssl.SSLError as problem:
                _log.debug("a TLS connection broke while reading: %s", problem.reason)
                self.abort()
                return
            if filled:
                self._above.buffer_updated(filled)
        if self._state is State.OPEN:
            self._flush()
        if dry and self._ended:
            self._tell_end()

    def _tell_end(self) -> None:
        if not self._told_end:
            self._told_end = True
            if not self._above.eof_received() and self._state is not State.CLOSED:
                self.close()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._below.write(data)

    def _say_end(self) -> None:
        # It wants the client's end, for which we do not wait; or the connection is broken, and it does not matter.
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._flush()

    def _not_tls(self, first: int) -> None:
        if ord("A") <= first <= ord("Z"):
            _log.debug("plain HTTP on the TLS port")
            self._below.write(PLAIN_HTTP)
        self._part()

    def _part(self) -> None:
        """Ends a connection that never was open, with time for the client to read why."""
        self._handshakes.done(self)
        self._state = State.ENDING
        self._below.write_eof()
        self._parting = self._clock.call_at(self._clock.time() + PARTING_SECONDS, self.abort)
