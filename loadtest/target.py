"""Which server is meant, and whether it may be loaded. Pure but for the resolver."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit


class TargetError(Exception):
    """The server cannot be loaded; the message says why and what to do."""


class Target(NamedTuple):
    """A server, and how to speak with it."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with each request: the credential."""

    @property
    def url(self) -> str:
        """For a person."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


def find_target(url: str, *, owned: bool, authority: str | None, credential: str | None) -> Target:
    """The server at `url`. Anything but loopback needs `owned`: load on somebody else's server is an attack.
    `credential`: the value of Authorization. Raises TargetError."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or (443 if parts.scheme == "https" else 8200)
    except ValueError as problem:
        raise TargetError(f"{url} is no address of a server: {problem}") from problem
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or parts.username
    ):
        raise TargetError(f"{url} is no address of a server: it is written http://HOST:PORT or https://HOST:PORT")
    if not owned and not _is_loopback(parts.hostname):
        raise TargetError(
            f"{parts.hostname} is not this machine. A load test of somebody else's server is an attack; if it is yours, "
            "say so with --i-own-this-target"
        )
    headers = (("authorization", credential),) if credential else ()
    return Target(parts.hostname, port, _context(parts.scheme, authority), headers)


def _context(scheme: str, authority: str | None) -> ssl.SSLContext | None:
    if scheme == "http":
        return None
    try:
        return ssl.create_default_context(cafile=authority)
    except OSError as problem:
        raise TargetError(f"--ca-file: {problem}") from problem


def _is_loopback(host: str) -> bool:
    """Whether all that the name means is this machine."""
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except OSError as problem:
        raise TargetError(f"{host} cannot be resolved: {problem.strerror or problem}") from problem
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)
