"""One end of the control socketpair on an event loop; used by both sides."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from tidegate.daemon.control.messages import AnyMessage, ControlError, Message, Unpacker, pack

READ_SIZE = 65_536


class Channel:
    """Sends and receives messages; `ended` is called once, when the other end is closed or talks nonsense."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        received: Callable[[AnyMessage], None],
        ended: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._received = received
        self._ended = ended
        self._unpacker = Unpacker()
        self._unsent = bytearray()
        self._open = True
        sock.setblocking(False)
        loop.add_reader(sock.fileno(), self._readable)

    def send(self, message: Message) -> None:
        """Sends now what the socket takes, the rest when it can; nothing once the other end is gone."""
        if not self._open:
            return
        was_waiting = bool(self._unsent)
        self._unsent += pack(message)
        if not was_waiting:
            self._writable()

    def close(self) -> None:
        """Ends the channel without calling `ended`."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()

    def read_rest(self) -> None:
        """Takes what a dead other end left in the socket, its last words among it."""
        while self._open:
            try:
                data = self._socket.recv(READ_SIZE)
            except OSError:
                return
            if not data:
                return
            try:
                for message in self._unpacker.feed(data):
                    self._received(message)
            except ControlError:
                return

    def _readable(self) -> None:
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        try:
            for message in self._unpacker.feed(data):
                self._received(message)
        except ControlError:
            data = b""
        if not data:
            self._end()

    def _writable(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The reader sees the end of file and tells; messages to the dead need no care.
            self._unsent.clear()
            return
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._socket.fileno(), self._writable)
        else:
            self._loop.remove_writer(self._socket.fileno())

    def _end(self) -> None:
        if self._open:
            self.close()
            self._ended()
