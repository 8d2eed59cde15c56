"""Sockets that systemd bound and hands over (sd_listen_fds(3)): taken in place of sockets of our own.

systemd keeps its copies, so that clients wait in the kernel while the service restarts: nothing here closes a socket
for others, or removes its file."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tidegate.daemon.errors import UnfitError
from tidegate.daemon.settings.address import ListenAddress

FIRST_DESCRIPTOR = 3
"""SD_LISTEN_FDS_START."""
MOST = 64
"""An address has a few sockets; more than that is somebody else's variable."""

_INSTALL_AGAIN = (
    "Change apm-server.host, or write the units again: sudo tidegate systemd install, "
    "then sudo systemctl daemon-reload && sudo systemctl restart tidegate.socket tidegate.service"
)


class Place(NamedTuple):
    """Where a socket listens: a numeric address and a port, or a path."""

    host: str
    port: int
    path: str = ""
    both: bool = False
    """An IPv6 socket that takes IPv4 connections, too."""

    def __str__(self) -> str:
        return str(ListenAddress(self.host, self.port, self.path))


def passed_sockets(environ: Mapping[str, str]) -> list[socket.socket]:
    """The sockets that this process was started with; none without activation. Raises UnfitError."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return []
    text = environ.get("LISTEN_FDS", "")
    if not (text.isascii() and text.isdigit() and int(text) <= MOST):
        raise UnfitError(f"LISTEN_FDS={text[:20]!r} is no number of sockets: start Tidegate by its unit, or without it")
    sockets = []
    for descriptor in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + int(text)):
        try:
            sock = socket.socket(fileno=descriptor)
            listens = sock.type == socket.SOCK_STREAM and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError:
            listens = 0
        if not listens:
            raise UnfitError(
                f"descriptor {descriptor} that systemd passed is no listening stream socket: "
                "the socket unit wants ListenStream= and Accept=no"
            )
        sock.setblocking(False)
        sockets.append(sock)
    return sockets


def place_of(sock: socket.socket) -> Place:
    """Where the socket listens."""
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return Place("", 0, name if isinstance(name, str) else "@" + name[1:].decode(errors="replace"))
    if sock.family == socket.AF_INET6:
        return Place(name[0], name[1], both=not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
    return Place(name[0], name[1])


def resolved(address: ListenAddress) -> list[Place]:
    """The places that the address of the settings means, those of IPv4 first. Raises UnfitError."""
    if address.path:
        return [Place("", 0, address.path)]
    try:
        found = socket.getaddrinfo(address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as problem:
        raise UnfitError(
            f"apm-server.host: {address.host!r} is not an address of this machine ({problem.strerror})"
        ) from problem
    places = dict.fromkeys(Place(str(where[0]), int(where[1])) for *_, where in found)
    return sorted(places, key=lambda place: ":" in place.host)


def check(passed: Sequence[Place], addresses: Iterable[ListenAddress]) -> None:
    """Compares what was passed with the settings. Raises UnfitError, in words, when they differ."""
    wanted = {address: resolved(address) for address in addresses}
    meant = {place for places in wanted.values() for place in places}
    all_of_ipv4 = {place.port for place in meant if place.host == "0.0.0.0"}  # noqa: S104 - compared, not bound
    for place in passed:
        # A socket for both is the same as two for one each, where every address is meant.
        if place._replace(both=False) not in meant or (place.both and place.port not in all_of_ipv4):
            raise UnfitError(
                f"systemd passed a socket on {place}{' for IPv4 and IPv6' if place.both else ''}, but apm-server.host is "
                f"{_names(wanted)}. {_INSTALL_AGAIN}"
            )
    there = {place._replace(both=False) for place in passed}
    there |= {Place("0.0.0.0", place.port) for place in passed if place.both}  # noqa: S104 - compared, not bound
    for address, places in wanted.items():
        # A name may have addresses that this machine does not; "every address" is at least every one of IPv4.
        if not (there & set(places) if address.host or address.path else places[0] in there):
            raise UnfitError(
                f"apm-server.host is {address}, but systemd passed sockets on {_names(passed) or 'nothing'} only. "
                f"{_INSTALL_AGAIN}"
            )


def _names(places: Iterable[object]) -> str:
    return ", ".join(str(place) for place in places)
