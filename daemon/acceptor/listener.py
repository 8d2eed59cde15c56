"""Takes connections from the listening sockets that the supervisor bound."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Sequence

from tidegate.daemon.acceptor.descriptors import room_for_connections
from tidegate.daemon.h1.client_address import Peer, peer_address

ACCEPTS_PER_TURN = 64
"""Connections taken before those that exist have their turn."""

EXHAUSTED_PAUSE = 1.0
"""Seconds without accepting after the process or the machine ran out of descriptors or memory for sockets. The kernel
keeps the clients waiting; trying at once again would only burn the processor."""

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_log = logging.getLogger("tidegate.listener")


class Listener:
    """Accepts while fewer than `max_connections` (0: no limit) are open, and while open files are left for others than
    clients; further clients wait in the kernel."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sockets: Sequence[socket.socket],
        make_protocol: Callable[[Peer], asyncio.BaseProtocol],
        max_connections: int,
        admit: Callable[[str], bool],
        leave: Callable[[str], None],
    ) -> None:
        """`admit`: whether a connection of an address may stay. `leave`: is called once for each that was asked about."""
        self._loop = loop
        self._sockets = list(sockets)
        self._make_protocol = make_protocol
        self._max_connections = max_connections
        self._admit = admit
        self._leave = leave
        self._room = room_for_connections()
        self._open = 0
        self._accepting = False
        self._exhausted: asyncio.TimerHandle | None = None
        self._starting: set[asyncio.Task[object]] = set()

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return self._open

    def start(self) -> None:
        """Begins to accept."""
        for listening in self._sockets:
            listening.setblocking(False)
        self._watch()

    def limit(self, max_connections: int) -> None:
        """Sets another limit; connections above it stay."""
        self._max_connections = max_connections
        self._watch()

    def released(self, ip: str) -> None:
        """A connection of that address, which this listener accepted, is gone."""
        self._open -= 1
        self._leave(ip)
        self._watch()

    async def settled(self) -> None:
        """Waits until all that were accepted have begun."""
        await asyncio.gather(*self._starting, return_exceptions=True)

    def close(self) -> None:
        """Closes the listening sockets of this process."""
        self._pause()
        if self._exhausted is not None:
            self._exhausted.cancel()
            self._exhausted = None
        for listening in self._sockets:
            listening.close()
        self._sockets.clear()

    def _full(self) -> bool:
        return 0 < self._max_connections <= self._open or self._open >= self._room

    def _watch(self) -> None:
        if self._accepting or self._exhausted is not None or self._full():
            return
        for listening in self._sockets:
            self._loop.add_reader(listening.fileno(), self._accept, listening)
            self._accepting = True

    def _pause(self) -> None:
        if self._accepting:
            self._accepting = False
            for listening in self._sockets:
                self._loop.remove_reader(listening.fileno())

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            if self._full():
                if self._open >= self._room:
                    self._complain("open files are short")
                self._pause()
                return
            try:
                connection, name = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError as problem:
                if problem.errno not in _EXHAUSTED:
                    raise
                self._rest(problem)
                return
            peer = peer_address(name)
            self._open += 1
            if not self._admit(peer[0]):
                connection.close()
                self.released(peer[0])
                continue
            connection.setblocking(False)
            task = self._loop.create_task(self._connect(connection, peer))
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    def _complain(self, why: str) -> None:
        _log.warning(
            "cannot accept connections: %s; clients wait. Raise the limit of open files (LimitNOFILE=, ulimit -n), "
            "or lower apm-server.max_connections below it (open now: %d)",
            why,
            self._open,
        )

    def _rest(self, problem: OSError) -> None:
        self._complain(problem.strerror or "out of resources")
        self._pause()
        self._exhausted = self._loop.call_later(EXHAUSTED_PAUSE, self._rested)

    def _rested(self) -> None:
        self._exhausted = None
        self._watch()

    async def _connect(self, connection: socket.socket, peer: Peer) -> None:
        made = False

        def make() -> asyncio.BaseProtocol:
            nonlocal made
            made = True
            return self._make_protocol(peer)

        try:
            await self._loop.connect_accepted_socket(make, connection)
        except OSError as problem:
            _log.debug("a connection ended before it began: %s", problem)
            connection.close()
            if not made:
                self.released(peer[0])
