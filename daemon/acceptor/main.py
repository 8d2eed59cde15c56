"""Wiring of the acceptor process; started by the supervisor with a control descriptor and listening sockets."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from pathlib import Path

import msgspec
import zmq
from tidegate.daemon.acceptor.app import Acceptor
from tidegate.daemon.control.channel import Channel
from tidegate.daemon.control.child import run_child
from tidegate.daemon.control.messages import AnyMessage, Configure, Started, StoreReady, WorkerGone
from tidegate.daemon.places import LIMITS_FILE
from tidegate.daemon.settings.parts import AcceptorPart
from tidegate.daemon.telemetry.logs import set_up_logging
from tidegate.daemon.wire.acceptor_links import AcceptorLinks


class AcceptorProcess:
    """A running acceptor (`child.ChildProcess`)."""

    def __init__(self, configure: Configure, part: AcceptorPart, sockets: list[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        # A name that no acceptor had before: a worker of a killed instance may still knock at the old one.
        name = f"a{configure.number}-{secrets.token_hex(4)}.sock"
        self._path = Path(configure.runtime_folder) / name
        self.endpoint = f"ipc://{self._path}"
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._links = AcceptorLinks(loop, self._context, self.endpoint, part.max_event_size)
        self._acceptor = Acceptor(part, self._links, sockets, loop, Path(configure.runtime_folder) / LIMITS_FILE)
        self._acceptor.start()

    def received(self, message: AnyMessage) -> None:
        """See `child.ChildProcess`."""
        if isinstance(message, WorkerGone):
            self._links.worker_gone(message)
        elif isinstance(message, StoreReady):
            self._acceptor.state.publish_ready = True

    async def drain(self, timeout: float) -> None:
        """Finishes open requests within `timeout` seconds; whatever is left is cut and unacknowledged."""
        await self._acceptor.drain(timeout)
        self._links.close()
        self._context.destroy(linger=0)
        self._path.unlink(missing_ok=True)


async def build(configure: Configure, channel: Channel) -> tuple[AcceptorProcess, Started]:
    """The acceptor of `configure`, serving."""
    part = msgspec.json.decode(configure.settings, type=AcceptorPart)
    set_up_logging(part.logging, f"acceptor-{configure.number}")
    sockets = [socket.socket(fileno=int(descriptor)) for descriptor in sys.argv[2:]]
    acceptor = AcceptorProcess(configure, part, sockets)
    return acceptor, Started(acceptor.endpoint)


if __name__ == "__main__":
    run_child(build)
