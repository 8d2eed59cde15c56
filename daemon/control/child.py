"""The child's side of control: start, first message, heartbeat, and what to do when the supervisor is gone."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
import uvloop
from tidegate.daemon import __version__
from tidegate.daemon.control.channel import Channel
from tidegate.daemon.control.messages import (
    AnyMessage,
    Applied,
    Apply,
    Configure,
    Drain,
    Failed,
    Heartbeat,
    Logged,
    Prepare,
    Prepared,
    Started,
)
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, StartError, UnfitError
from tidegate.daemon.lockdown.kernel import hide_memory
from tidegate.daemon.telemetry.recent import tell_complaints

__all__ = ["Build", "ChildProcess", "StartError", "UnfitError", "run_child"]

EXIT_OTHER_VERSION = 100
"""Of a child that is not of its supervisor's version: Tidegate was upgraded while it ran."""
SUPERVISOR_VERSION = "TIDEGATE_SUPERVISOR_VERSION"
"""Variable with the supervisor's version. It is compared before anything else: messages may differ between versions."""
HEARTBEAT_S = 1.0
ORPHAN_DRAIN_S = 2.0
"""Without a supervisor nobody restarts or watches a child, and a successor waits for its locks: be quick."""


class ChildProcess(Protocol):
    """What an acceptor or a worker is to its control loop."""

    def received(self, message: AnyMessage) -> None:
        """Any message that is about others: acceptors, workers, certificates."""

    def prepare(self, settings: msgspec.Raw) -> Callable[[], None]:
        """Makes ready what new settings need and changes nothing; what is returned puts them in force. Raises StartError
        when they cannot be used."""

    async def drain(self, timeout: float) -> None:
        """Finishes what is in flight within `timeout` seconds and releases everything."""


Build = Callable[[Configure, Channel], Awaitable[tuple[ChildProcess, Started]]]
"""Makes the child serve. Raises StartError when it cannot, now or later."""


def run_child(build: Build) -> None:
    """The whole life of a child process; its only argument is the number of the inherited control descriptor."""
    hide_memory()
    if os.environ.get(SUPERVISOR_VERSION) != __version__:
        os._exit(EXIT_OTHER_VERSION)
    # A terminal's Ctrl-C and systemd's SIGTERM reach all processes of the group: the supervisor alone acts on them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    code = uvloop.run(_live(build, socket.socket(fileno=int(sys.argv[1]))))
    sys.stderr.flush()
    # Threads that hang in a request to a silent Elasticsearch must not keep the process: all that matters is on disk.
    os._exit(code)


async def _live(build: Build, sock: socket.socket) -> int:
    loop = asyncio.get_running_loop()
    messages: asyncio.Queue[AnyMessage | None] = asyncio.Queue()
    channel = Channel(loop, sock, messages.put_nowait, lambda: messages.put_nowait(None))
    first = await messages.get()
    if not isinstance(first, Configure):
        return EXIT_FAILURE
    try:
        child, started = await build(first, channel)
    except StartError as problem:
        channel.send(Failed(str(problem), problem.exit_code))
        return EXIT_FAILURE
    # What is alive now lives as long as the process: keep the collector from walking it again and again.
    gc.collect()
    gc.freeze()
    channel.send(started)
    tell_complaints(lambda logged: _tell_from_any_thread(loop, channel, logged))
    beating = loop.create_task(_beat(channel))
    timeout, orphan = ORPHAN_DRAIN_S, True
    dispatch = _Dispatch(child, channel)
    while (message := await messages.get()) is not None:
        if isinstance(message, Drain):
            timeout, orphan = message.timeout, False
            break
        dispatch.received(message)
    # Messages go on while draining (a worker may die meanwhile); so does the heartbeat.
    serving = loop.create_task(_serve_rest(messages, dispatch))
    await child.drain(timeout)
    serving.cancel()
    beating.cancel()
    channel.close()
    if orphan and first.temporary:
        remove_sockets(Path(first.runtime_folder))
    return EXIT_OK


def remove_sockets(folder: Path) -> None:
    """What the supervisor does not do any more. Only for a folder of this instance's own: in a given one a successor may
    have its sockets already."""
    for left in folder.glob("*.sock"):
        left.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _tell_from_any_thread(loop: asyncio.AbstractEventLoop, channel: Channel, logged: Logged) -> None:
    with suppress(RuntimeError):  # the loop has ended before the thread that complains
        loop.call_soon_threadsafe(channel.send, logged)


class _Dispatch:
    """Hands messages to the child, and new settings in two steps."""

    def __init__(self, child: ChildProcess, channel: Channel) -> None:
        self._child = child
        self._channel = channel
        self._prepared: Callable[[], None] = lambda: None

    def received(self, message: AnyMessage) -> None:
        match message:
            case Prepare():
                self._channel.send(Prepared(self._prepare(message.settings)))
            case Apply():
                apply, self._prepared = self._prepared, lambda: None
                apply()
                self._channel.send(Applied())
            case _:
                self._child.received(message)

    def _prepare(self, settings: msgspec.Raw) -> str:
        self._prepared = lambda: None
        try:
            self._prepared = self._child.prepare(settings)
        except StartError as problem:
            return str(problem)
        return ""


async def _serve_rest(messages: asyncio.Queue[AnyMessage | None], dispatch: _Dispatch) -> None:
    while (message := await messages.get()) is not None:
        if not isinstance(message, Drain):
            dispatch.received(message)


async def _beat(channel: Channel) -> None:
    while True:
        channel.send(Heartbeat())
        await asyncio.sleep(HEARTBEAT_S)
