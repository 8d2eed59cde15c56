"""Wiring of the acceptor process; started by the supervisor with a control descriptor and listening sockets."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import zmq
from tidegate.daemon.acceptor.app import Acceptor, address_table, context_of
from tidegate.daemon.control.channel import Channel
from tidegate.daemon.control.child import run_child
from tidegate.daemon.control.messages import (
    AnyMessage,
    Certificates,
    Configure,
    Findings,
    Inquire,
    Started,
    StoreReady,
    WorkerGone,
)
from tidegate.daemon.errors import StartError
from tidegate.daemon.limits.buckets import Table
from tidegate.daemon.lockdown.acceptor import prepare, shut_off
from tidegate.daemon.places import LIMITS_FILE
from tidegate.daemon.settings.parts import AcceptorPart
from tidegate.daemon.telemetry.logs import change_level, log_folder, set_up_logging
from tidegate.daemon.telemetry.metrics import (
    CELLS,
    CONNECTIONS,
    CONNECTIONS_HELD,
    CREDIT,
    UNANSWERED,
    WAITING,
    Role,
    place,
)
from tidegate.daemon.telemetry.slots import Tally
from tidegate.daemon.wire.acceptor_links import AcceptorLinks

log = logging.getLogger("tidegate.acceptor")

NOTE_S = 1.0
"""How often what is now is noted."""


class AcceptorProcess:
    """A running acceptor (`child.ChildProcess`)."""

    def __init__(
        self,
        configure: Configure,
        part: AcceptorPart,
        sockets: list[socket.socket],
        addresses: Table,
        tally: Tally,
        channel: Channel,
    ) -> None:
        loop = asyncio.get_running_loop()
        # A name that no acceptor had before: a worker of a killed instance may still knock at the old one.
        name = f"a{configure.number}-{secrets.token_hex(4)}.sock"
        self._path = Path(configure.runtime_folder) / name
        self.endpoint = f"ipc://{self._path}"
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._links = AcceptorLinks(loop, self._context, self.endpoint, part.max_event_size)
        self._acceptor = Acceptor(part, self._links, sockets, loop, addresses, tally)
        self._acceptor.start()
        self._tally = tally
        self._channel = channel
        self._noting = loop.create_task(self._note())

    def received(self, message: AnyMessage) -> None:
        """See `child.ChildProcess`."""
        if isinstance(message, WorkerGone):
            self._links.worker_gone(message)
        elif isinstance(message, Inquire):
            self._channel.send(Findings(message.number, refusals=self._acceptor.refusals.find(message.service)))
        elif isinstance(message, StoreReady):
            self._acceptor.state.publish_ready = True
        elif isinstance(message, Certificates):
            try:
                self._acceptor.show(message.certificates)
            except StartError as problem:
                log.error("%s; the certificates of before stay in use", problem)

    def prepare(self, settings: msgspec.Raw) -> Callable[[], None]:
        """See `child.ChildProcess`."""
        part = msgspec.json.decode(settings, type=AcceptorPart)
        context = context_of(part)

        def apply() -> None:
            self._acceptor.reload(part, context)
            change_level(part.logging)

        return apply

    async def drain(self, timeout: float) -> None:
        """Finishes open requests within `timeout` seconds; whatever is left is cut and unacknowledged."""
        await self._acceptor.drain(timeout)
        self._noting.cancel()
        self._links.close()
        self._context.destroy(linger=0)
        # The socket's file stays: an acceptor may remove nothing, the supervisor does.

    async def _note(self) -> None:
        """Notes what is now, for status and metrics."""
        while True:
            self._acceptor.state.refusing = self._links.refusing()
            self._tally.set(place(CONNECTIONS), self._acceptor.connections)
            self._tally.set(place(CONNECTIONS_HELD), self._acceptor.holdings.held)
            self._tally.set(place(UNANSWERED), self._links.unanswered())
            self._tally.set(place(CREDIT), self._links.credit())
            self._tally.set(place(WAITING), self._links.waiting())
            await asyncio.sleep(NOTE_S)


async def build(configure: Configure, channel: Channel) -> tuple[AcceptorProcess, Started]:
    """The acceptor of `configure`, serving."""
    part = msgspec.json.decode(configure.settings, type=AcceptorPart)
    set_up_logging(part.logging, f"acceptor-{configure.number}")
    sockets = [socket.socket(fileno=int(descriptor)) for descriptor in sys.argv[2:]]
    tally = Tally(len(CELLS[Role.ACCEPTOR]), configure.counters)
    # Last chance to open a file.
    addresses = address_table(part, Path(configure.runtime_folder) / LIMITS_FILE)
    # Before ZeroMQ starts its thread: it is to be shut off, too.
    try:
        unprotected = shut_off(configure.runtime_folder, log_folder(part.logging))
    except OSError as problem:
        raise StartError(
            f"the kernel refuses to shut acceptors off from files and processes ({problem.strerror}): if a system call filter "
            "stands round Tidegate, it must allow landlock_create_ruleset, landlock_add_rule, landlock_restrict_self and, for "
            "root, capset"
        ) from problem
    acceptor = AcceptorProcess(configure, part, sockets, addresses, tally, channel)
    return acceptor, Started(acceptor.endpoint, unprotected)


if __name__ == "__main__":
    prepare()
    run_child(build)
