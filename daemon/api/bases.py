"""The request base of a stream: what request and settings add to each event (intake-to-documents.md 1.1)."""

from __future__ import annotations

from msgspec.structs import replace
from tidegate.daemon.h1.exchange import Exchange
from tidegate.daemon.settings.parts import AcceptorPart
from tidegate.daemon.wire.frames import RequestBase, pack_base

LONGEST_USER_AGENT = 2048
"""Letters. It stands in every document of the stream and may be as long as all headers together; a browser's has 200."""

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

    def browser(self, exchange: Exchange) -> bytes:
        """For the paths of browsers: addresses and user agent, if personal data may be captured.

        Not kept: every connection has a port of its own, so no two are equal; packing takes about a microsecond.
        """
        part = self._part
        base = RequestBase(
            rum=True,
            namespace=part.namespace,
            default_environment=part.default_environment,
            observer_hostname=part.hostname,
            observer_version=part.version,
        )
        if not part.capture_personal_data:
            return pack_base(base)
        client = exchange.client
        agents = ", ".join(exchange.head.texts(b"user-agent"))
        return pack_base(
            replace(
                base,
                client_ip=client.ip,
                source_ip=client.ip,
                source_port=client.port,
                source_nat_ip=exchange.peer_ip if client.forwarded else "",
                user_agent=agents[:LONGEST_USER_AGENT],
            )
        )
