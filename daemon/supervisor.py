"""The supervisor: binds, starts the children, watches them, and ends them in order. It sees no event and no request."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Collection

import msgspec
from tidegate.daemon import __version__, activation
from tidegate.daemon.admin import places as admin_places
from tidegate.daemon.admin.explaining import Explaining
from tidegate.daemon.admin.figures import Figures
from tidegate.daemon.admin.pages import Reply, Request, Routes, json_reply
from tidegate.daemon.admin.ports import Ports
from tidegate.daemon.admin.server import AdminServer
from tidegate.daemon.child_process import Child
from tidegate.daemon.control.child import HEARTBEAT_S
from tidegate.daemon.control.messages import (
    AcceptorAddress,
    Acceptors,
    AnyMessage,
    Certificates,
    Configure,
    Drain,
    Failed,
    Findings,
    Started,
    StoreReady,
    WorkerGone,
)
from tidegate.daemon.errors import EXIT_FAILURE, EXIT_OK, StartError
from tidegate.daemon.lockdown.kernel import hide_memory
from tidegate.daemon.places import RuntimeFolder, SocketFile, listen, lock_data_folder, make_data_folder
from tidegate.daemon.plan import Plan
from tidegate.daemon.reloading import Reloads, Result
from tidegate.daemon.renewal import note_version, noted_version
from tidegate.daemon.restarts import RestartDelay
from tidegate.daemon.settings.parts import CertificatesPart
from tidegate.daemon.systemd import Notifier, is_healthy, status_text
from tidegate.daemon.telemetry.accounts import Accounts
from tidegate.daemon.telemetry.logs import change_level
from tidegate.daemon.telemetry.metrics import RESTARTS, STARTS
from tidegate.daemon.telemetry.recent import tell_complaints
from tidegate.daemon.tls.watching import watch_files

log = logging.getLogger("tidegate.supervisor")

SILENT_S = 12.0
"""A child that says nothing for so long is taken for hung; a heartbeat is due every second."""
KILL_GRACE_S = 1.0
"""After the drain timeout a child has so long to leave by itself."""
MODULES = {"acceptor": "tidegate.daemon.acceptor.main", "worker": "tidegate.workers.main"}


class Supervisor:
    """One run from start to stop. `start` raises StartError; `run` returns the exit code."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._exit_code = EXIT_OK
        self._stopping = False
        self._anew = False
        self._served = False
        self._store_ready = False
        self._incarnations = 0
        self._children: dict[tuple[str, int], Child] = {}
        self._delays: dict[tuple[str, int], RestartDelay] = {}
        self._death = asyncio.Event()
        self._sockets: list[socket.socket] = []
        self._socket_files: list[SocketFile] = []
        self._certificates: CertificatesPart | None = None
        self._told: set[str] = set()
        self._notifier = Notifier.of(os.environ)
        self._reloads = Reloads(self, self._reload_begins, self._reload_ends)
        self._explaining = Explaining(self._children.values)
        self._reloading: set[asyncio.Task[Result]] = set()

    def start(self) -> None:
        """Takes the data folder, the addresses and the runtime folder, reads the certificates. Raises StartError."""
        hide_memory()
        if self._plan.certificates is not None:
            self._certificates = self._plan.certificates.read()
        make_data_folder(self._plan.path_data)
        self._lock = lock_data_folder(self._plan.path_data)
        folder = self._plan.path_data / "counters"
        self._accounts = Accounts(folder, len(self._plan.acceptors), len(self._plan.workers), time.time())
        self._accounts.count(STARTS)
        self._figures = Figures(self._accounts, self._plan.path_data, self._children.values, self._missing, self._phase)
        tell_complaints(lambda logged: self._figures.complained("supervisor", logged))
        self._listen()
        try:
            self._ports = Ports(self._plan.monitoring, self._figures)
            self._admin_socket = admin_places.listen(self._plan.path_data)
            self._runtime = RuntimeFolder(self._plan.path_data, self._plan.runtime_directory)
        except StartError:
            self._remove_socket_files()
            raise

    def _listen(self) -> None:
        self._sockets += activation.passed_sockets(os.environ)
        if self._sockets:
            activation.check([activation.place_of(sock) for sock in self._sockets], self._plan.addresses)
            return
        for address in self._plan.addresses:
            if address.path:
                self._socket_files.append(SocketFile(address.path))
                self._sockets.append(self._socket_files[-1].socket)
            else:
                self._sockets += listen(address.host, address.port)

    async def run(self) -> int:
        """Serves until a signal, or until a child refuses to start; then drains. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._signalled, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        admin = AdminServer(self._admin_routes())
        await admin.listen(self._admin_socket)
        await self._ports.serve()
        for role, place in self._plan.places():
            self._spawn(role, place)
        always = (
            self._watch(),
            watch_files(lambda: self._plan.certificates, self._show_certificates),
            self._figures.keep_sampling(),
        )
        watching = [self._loop.create_task(each) for each in always]
        if self._notifier.watchdog_interval:
            # Until the end of the process: it is to be alive while it drains, too.
            self._alive = self._loop.create_task(self._show_alive(self._notifier.watchdog_interval))
        await self._stop.wait()
        for task in watching:
            task.cancel()
        if self._exit_code == EXIT_OK:
            note_version(self._plan.path_data)
        await self._drain()
        await admin.close()
        await self._ports.close()
        admin_places.remove(self._plan.path_data)
        self._runtime.remove()
        self._accounts.close()
        os.close(self._lock)
        return self._exit_code

    @property
    def to_start_anew(self) -> list[socket.socket] | None:
        """After `run`: the sockets that are still open, when another version is installed and all is to begin again with it."""
        return self._sockets if self._anew else None

    # ------------------------------------------------------------------------------------------------- children

    def _spawn(self, role: str, number: int) -> None:
        if self._stopping:
            return
        self._incarnations += 1
        configure = Configure(
            number,
            self._incarnations,
            str(self._runtime.path),
            self._plan.runtime_directory is None,
            self._plan.part_of(role, number, self._certificates),
            self._accounts.descriptor(role, number),
        )
        sockets = self._sockets if role == "acceptor" else []
        child = Child(self._loop, role, MODULES[role], configure, sockets, self._on_message, self._on_death)
        self._children[role, number] = child
        if role == "worker":
            child.send(Acceptors(self._addresses()))

    def _addresses(self) -> list[AcceptorAddress]:
        return [
            AcceptorAddress(child.number, child.incarnation, child.started.endpoint)
            for child in self._children.values()
            if child.role == "acceptor" and child.started is not None
        ]

    def _tell(self, role: str, message: AnyMessage) -> None:
        for child in self._children.values():
            if child.role == role:
                child.send(message)

    def _on_message(self, child: Child, message: AnyMessage) -> None:
        self._reloads.received(child, message)
        if isinstance(message, Started):
            log.debug("%s serves, process %d", child.name, child.pid)
            if child.role == "acceptor":
                for text in set(message.unprotected) - self._told:
                    self._told.add(text)
                    log.warning("%s", text)
                self._tell("worker", Acceptors(self._addresses()))
                if self._store_ready:
                    child.send(StoreReady())
            self._note_serving()
        elif isinstance(message, StoreReady):
            self._store_ready = True
            self._tell("acceptor", message)
        else:
            self._figures.heard(child, message)
            if isinstance(message, Findings):
                self._explaining.heard(child, message)

    def _note_serving(self) -> None:
        if not self._served and not self._missing():
            self._served = True
            note_version(self._plan.path_data)
            self._plan.serving()
            self._notifier.ready(self._state())

    def _on_death(self, child: Child) -> None:
        place = (child.role, child.number)
        del self._children[place]
        self._death.set()
        self._reloads.died(child)
        self._figures.died(*place)
        if child.role == "worker":
            self._tell("acceptor", WorkerGone(child.number, child.incarnation, child.trying))
        if self._stopping:
            return
        if child.is_of_another_version and self._served:
            log.warning(
                "Tidegate was upgraded while it ran: all of it starts anew; clients that connect meanwhile wait"
            )
            self._anew = True
            self._stop.set()
            return
        if child.refused_to_start:
            self._refused(child)
            return
        # Who died of a suspect is no crash loop: each such death halves what is suspected, and clients wait for the end.
        delay = 0.0
        if child.trying is None:
            delay = self._delays.setdefault(place, RestartDelay()).after_death(self._loop.time())
        log.error("%s %s; its successor starts in %.1f s", child.name, child.exit_text(), delay)
        self._accounts.count(RESTARTS, child.role)
        self._loop.call_later(delay, self._spawn, *place)
        self._show_state()

    def _refused(self, child: Child) -> None:
        """A successor would refuse to start, too."""
        words = f"{child.name} {child.exit_text()} before it served; what it said stands above"
        if child.is_of_another_version:  # as the whole has not served, starting it anew could go on for ever
            words = f"{child.name} is of another version than the supervisor ({__version__}); is an upgrade under way?"
        failure = child.failure or Failed(words, EXIT_FAILURE)
        log.error("Tidegate stops: %s", failure.reason)
        if other := noted_version(self._plan.path_data):
            log.error("this is Tidegate %s; the version that served last on this path.data is %s", __version__, other)
        self._exit_code = failure.exit_code
        self._stop.set()

    async def _watch(self) -> None:
        """Kills children that hang; after a pause of the supervisor itself all have fresh time."""
        last = self._loop.time()
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            now = self._loop.time()
            if now - last > SILENT_S / 2:
                for child in self._children.values():
                    child.heard = now
            last = now
            for child in self._children.values():
                if now - child.heard > SILENT_S and not child.killed_as_silent:
                    child.killed_as_silent = True
                    child.kill()
            self._show_state()

    async def _show_alive(self, interval: float) -> None:
        """The watchdog's pings, as long as this loop turns and replaces the children that hang."""
        while True:
            if self._stopping or is_healthy(self._children.values(), self._loop.time(), SILENT_S + 2 * HEARTBEAT_S):
                self._notifier.alive()
            await asyncio.sleep(interval)

    def _reload_begins(self) -> None:
        if self._served and not self._stopping:
            self._notifier.reloading()

    def _reload_ends(self) -> None:
        if self._served and not self._stopping:
            self._notifier.ready(self._state())

    def _show_state(self) -> None:
        if self._served and not self._stopping:
            self._notifier.status(self._state())

    def _state(self) -> str:
        """For `systemctl status`."""
        plan = self._plan
        troubles = [child.trouble for child in self._children.values() if child.trouble]
        where = ", ".join(map(str, plan.addresses))
        return status_text(where, len(plan.acceptors), len(plan.workers), self._missing(), troubles)

    def _missing(self) -> list[str]:
        """Names of the children that do not serve, or not yet."""
        serving = {place for place, child in self._children.items() if child.started is not None}
        return [f"{role} {number}" for role, number in self._plan.places() if (role, number) not in serving]

    def _show_certificates(self, certificates: CertificatesPart) -> None:
        self._certificates = certificates
        self._tell("acceptor", Certificates(certificates))

    # ---------------------------------------------------------------------------------------------------- admin

    def _admin_routes(self) -> Routes:
        return {**self._figures.routes(), **self._explaining.routes(), ("POST", "/reload"): self._reload}

    def _phase(self) -> str:
        return "stopping" if self._stopping else "serving" if self._served else "starting"

    async def _reload(self, request: Request) -> Reply:
        """Reads the settings again; answers with a `reloading.Result` when all is done."""
        result = await asyncio.shield(self._hang_up())
        return json_reply(result, 409 if result.errors else 200)

    # --------------------------------------------------------------------------------------------- reload (`Host`)

    @property
    def plan(self) -> Plan:
        return self._plan

    @property
    def children(self) -> Collection[Child]:
        return self._children.values()

    def settings_for(self, child: Child, plan: Plan, certificates: CertificatesPart | None) -> msgspec.Raw:
        return plan.part_of(child.role, child.number, certificates)

    def put_in_force(self, plan: Plan, certificates: CertificatesPart | None) -> None:
        self._plan, self._certificates = plan, certificates
        change_level(plan.logging)

    # ----------------------------------------------------------------------------------------------------- stop

    def _remove_socket_files(self) -> None:
        for file in self._socket_files:
            file.remove()

    def _signalled(self, number: int) -> None:
        if self._anew:
            log.info("stopping on %s, and not starting anew", signal.Signals(number).name)
            self._anew = False
            self._remove_socket_files()
            return
        if self._stopping:
            log.warning("second signal: children are killed; what was acknowledged stays in the spool")
            for child in self._children.values():
                child.kill()
            return
        log.info("stopping on %s, within %g s", signal.Signals(number).name, self._plan.shutdown_timeout)
        self._stop.set()

    def _hang_up(self) -> asyncio.Task[Result]:
        """A reload of its own task: it goes on when whoever asked for it does not wait."""
        task = self._loop.create_task(self._reloads.run())
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)
        return task

    async def _drain(self) -> None:
        """Acceptors first, since their open requests need workers; then workers. Nobody outlives the timeout for long."""
        self._stopping = True
        within = self._plan.shutdown_timeout
        longest = within + 4 * KILL_GRACE_S
        if self._anew:
            self._notifier.reloading()
        else:
            self._notifier.stopping(f"stopping: open requests may end within {within:g} s", longest)
            for sock in self._sockets:
                sock.close()
            self._remove_socket_files()
        deadline = self._loop.time() + self._plan.shutdown_timeout
        await self._end("acceptor", deadline)
        await self._end("worker", deadline)

    async def _end(self, role: str, deadline: float) -> None:
        left = max(0.0, deadline - self._loop.time())
        self._tell(role, Drain(left))
        if not await self._gone(role, left + KILL_GRACE_S):
            for child in self._children.values():
                if child.role == role:
                    log.warning("%s did not end within shutdown_timeout and is killed", child.name)
                    child.kill()
            await self._gone(role, KILL_GRACE_S)

    async def _gone(self, role: str, within: float) -> bool:
        """Whether all children of the role are dead and reaped within so many seconds."""
        try:
            async with asyncio.timeout(within):
                while any(child.role == role for child in self._children.values()):
                    self._death.clear()
                    await self._death.wait()
        except TimeoutError:
            return False
        return True
