"""The request base of a stream: what request and settings add to each event (intake-to-documents.md 1.1)."""

from __future__ import annotations

from tidegate.daemon.h1.exchange import Exchange
from tidegate.daemon.settings.parts import AcceptorPart
from tidegate.daemon.wire.frames import RequestBase, pack_base

KEPT = 4096
"""Packed bases kept: one for each client address and about 200 bytes, so less than 1 MiB."""


class Bases:
    """Packed bases of one settings object."""

    def __init__(self, part: AcceptorPart) -> None:
        self._part = part
        self._backend: dict[str, bytes] = {}

    def backend(self, exchange: Exchange) -> bytes:
        """For the paths of agents in services: `host.ip` is the client's address, if personal data may be captured."""
        part = self._part
        host_ip = ""
        if part.capture_personal_data:
            host_ip = exchange.client.ip
        packed = self._backend.get(host_ip)
        if packed is None:
            packed = pack_base(
                RequestBase(
                    namespace=part.namespace,
                    default_environment=part.default_environment,
                    observer_hostname=part.hostname,
                    observer_version=part.version,
                    host_ip=host_ip,
                )
            )
            if len(self._backend) >= KEPT:
                self._backend.clear()
            self._backend[host_ip] = packed
        return packed
