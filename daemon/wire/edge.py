"""Reading a ZeroMQ socket from an event loop without missing its edge.

A ZeroMQ descriptor is edge-triggered: it becomes readable once, and a `send` may use up that edge. So after every
send and after every drain the socket's EVENTS are looked at again before control goes back to the loop.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import zmq

log = logging.getLogger("tidegate.wire")

DRAIN_FRAMES = 64
"""Frames taken in one go; then other callbacks of the loop have their turn."""

DRAIN_SECONDS = 0.02
"""Likewise. A batch of nothing but bad lines takes a worker 0.1 s and is answered at once, which brings the next: by their
number alone they would keep a heartbeat waiting until the supervisor takes the worker for hung."""


class EdgeReader:
    """Calls `receive` with the parts of each message that arrives on `sock`."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: zmq.Socket[bytes], receive: Callable[[list[bytes]], None]
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._receive = receive
        self._scheduled = False
        self._descriptor = sock.fileno()
        loop.add_reader(self._descriptor, self.check)
        self.check()

    def check(self) -> None:
        """Looks whether something waits to be read; call after every send."""
        if not self._scheduled and not self._socket.closed and self._waits():
            self._scheduled = True
            self._loop.call_soon(self._drain)

    def _waits(self) -> bool:
        return bool(int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)

    def close(self) -> None:
        """Stops reading and closes the socket."""
        if not self._socket.closed:
            self._loop.remove_reader(self._descriptor)
            self._socket.close(linger=0)

    def _drain(self) -> None:
        self._scheduled = False
        enough = time.monotonic() + DRAIN_SECONDS
        for _ in range(DRAIN_FRAMES):
            if self._socket.closed:
                return
            try:
                parts = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            try:
                self._receive(parts)
            except Exception:  # whatever one frame does, those after it must be read: nothing else wakes this reader
                log.exception("a frame could not be handled")
            if time.monotonic() > enough:
                break
        self.check()
