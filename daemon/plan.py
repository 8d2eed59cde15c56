"""What the supervisor is told of the settings, at its start and by each reload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
from tidegate.daemon.settings.address import ListenAddress
from tidegate.daemon.settings.parts import AcceptorPart, CertificatesPart, LoggingPart, WorkerPart
from tidegate.daemon.tls.files import CertificateFiles


class Monitoring(NamedTuple):
    """Ports for monitoring, and what the original's pages tell of the settings."""

    admin: ListenAddress | None = None
    """`tidegate.admin.host`: the pages of the admin socket that only read."""
    original: ListenAddress | None = None
    """`http.host` and `http.port`: the original's pages."""
    version: str = ""
    hostname: str = ""
    output: str = ""
    rum: bool = False
    api_keys: bool = False
    tls: bool = False


NO_PORTS = Monitoring()


@dataclass(frozen=True)
class Plan:
    """All that the supervisor needs of the settings."""

    addresses: Sequence[ListenAddress]
    """To listen on."""
    path_data: Path
    runtime_directory: str | None
    shutdown_timeout: float
    logging: LoggingPart
    acceptors: list[AcceptorPart]
    workers: list[WorkerPart]
    read_again: Callable[[], Fresh]
    """Reads the same settings again, beside these. Raises SettingsError."""
    certificates: CertificateFiles | None = None
    """For agents; None without TLS."""
    serving: Callable[[], None] = lambda: None
    """Called once when all children serve."""
    monitoring: Monitoring = NO_PORTS

    def places(self) -> list[tuple[str, int]]:
        """Role and number of the children that there should be."""
        acceptors = [("acceptor", place + 1) for place in range(len(self.acceptors))]
        return acceptors + [("worker", place + 1) for place in range(len(self.workers))]

    def part_of(self, role: str, number: int, certificates: CertificatesPart | None) -> msgspec.Raw:
        """What a child is told, as it goes over its control socket."""
        part: AcceptorPart | WorkerPart
        if role == "acceptor":
            part = msgspec.structs.replace(self.acceptors[number - 1], certificates=certificates)
        else:
            part = self.workers[number - 1]
        return msgspec.Raw(msgspec.json.encode(part))


class Fresh(NamedTuple):
    """What reading the settings again has given; texts are for people, secrets masked."""

    plan: Plan
    applied: Sequence[str]
    """What changes."""
    waiting: Sequence[str]
    """What would change by a restart, and stays as it is."""
    warnings: Sequence[str]
    alarms: Sequence[str]
    """Warnings that touch safety."""
