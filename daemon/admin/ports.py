"""TCP ports of the admin pages, where settings ask for them: they only read, and are never the intake port."""

from __future__ import annotations

import os
import platform
import socket
import time
import uuid

from tidegate.daemon.admin.figures import Figures
from tidegate.daemon.admin.original import Facts, Usage, info_page, state_page, stats_page
from tidegate.daemon.admin.pages import Reply, Request, Routes, json_reply
from tidegate.daemon.admin.server import AdminServer
from tidegate.daemon.places import listen
from tidegate.daemon.plan import Monitoring

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Ports:
    """Bound when it is made: raises StartError."""

    def __init__(self, monitoring: Monitoring, figures: Figures) -> None:
        self._monitoring, self._figures = monitoring, figures
        self._ephemeral_id = str(uuid.uuid4())
        self._bound: list[tuple[Routes, list[socket.socket]]] = []
        self._servers: list[AdminServer] = []
        if (address := monitoring.admin) is not None:
            self._bound.append((figures.routes(), listen(address.host, address.port, "tidegate.admin.host")))
        if (address := monitoring.original) is not None:
            self._bound.append((self._original_routes(), listen(address.host, address.port, "http.host")))

    async def serve(self) -> None:
        """Answers from now on."""
        for routes, sockets in self._bound:
            server = AdminServer(routes)
            self._servers.append(server)
            for sock in sockets:
                await server.listen(sock)

    async def close(self) -> None:
        for server in self._servers:
            await server.close()

    # ---------------------------------------------------------------------------------------- the original's pages

    def _original_routes(self) -> Routes:
        return {("GET", "/"): self._info, ("GET", "/state"): self._state, ("GET", "/stats"): self._stats}

    async def _info(self, request: Request) -> Reply:
        return json_reply(info_page(self._facts()))

    async def _state(self, request: Request) -> Reply:
        return json_reply(state_page(self._facts()))

    async def _stats(self, request: Request) -> Reply:
        view = self._figures.overview()
        usage = Usage(
            view.uptime,
            sum(process.cpu for process in view.processes),
            sum(process.resident for process in view.processes),
            os.cpu_count() or 1,
            os.getloadavg(),
        )
        return json_reply(stats_page(self._facts(), usage, self._figures.totals()))

    def _facts(self) -> Facts:
        part = self._monitoring
        machine = platform.machine()
        first = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._figures.overview().first_start))
        return Facts(
            version=part.version,
            hostname=part.hostname,
            uuid=str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{first}.{part.hostname}")),
            ephemeral_id=self._ephemeral_id,
            architecture=_ARCHITECTURES.get(machine, machine),
            uid=os.getuid(),
            gid=os.getgid(),
            output=part.output,
            rum=part.rum,
            api_keys=part.api_keys,
            tls=part.tls,
        )
