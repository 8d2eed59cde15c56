"""Calls a running server, and looks at how it speaks TLS."""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from tidegate.cli.exposed.calls import Answered, Call
from tidegate.cli.exposed.certificate_dates import ends_der
from tidegate.cli.exposed.subject import Expiry

LONGEST_S = 5.0
"""For each step of a call: the answers cost the server microseconds."""
MOST_BYTES = 65536
_SECONDS_OF_A_DAY = 86400


class Unreachable(Exception):
    """Nobody answers there as an HTTP server does; the text says why."""


class Spoken(NamedTuple):
    """How the connection is made."""

    tls: str
    """Version; empty for plain HTTP."""
    expiry: Expiry | None


class Server:
    """A server by its URL, or by the path of its UNIX socket."""

    def __init__(self, url: str) -> None:
        """Raises ValueError for what is no such address."""
        self.url = url
        self._path = url.removeprefix("unix:") if url.startswith("unix:") else ""
        parts = urlsplit(url)
        if not self._path and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("wants a URL such as https://apm.shop.example:8200")
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/")
        self._kept: http.client.HTTPConnection | None = None

    def call(self, call: Call) -> Answered:
        """One request, on the last connection if that is still open. Raises Unreachable."""
        if self._kept is not None:
            kept = self._kept
            with suppress(OSError, http.client.HTTPException):
                return self._exchange(kept, call)
            self.close()
        connection = http.client.HTTPConnection(self._host or "localhost", self._port, timeout=LONGEST_S)
        connection.sock = self._connected()
        self._kept = connection
        try:
            return self._exchange(connection, call)
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            raise Unreachable(f"{call}: {problem or type(problem).__name__}") from problem

    def _exchange(self, connection: http.client.HTTPConnection, call: Call) -> Answered:
        headers = {"Accept": "application/json", "User-Agent": "tidegate-exposure"}
        if call.origin:
            headers["Origin"] = call.origin
        if call.credential:
            headers["Authorization"] = f"Bearer {call.credential}"
        connection.request(call.method, self._prefix + call.path, headers=headers)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        with response:
            body = response.read(MOST_BYTES)
            if connection.sock is None or not response.isclosed():
                # The server ends it, or there is more of the body than anybody wants to see.
                self.close()
        return Answered(call, response.status, found, body)

    def close(self) -> None:
        """Closes the connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def spoken(self) -> Spoken:
        """The version of TLS, and when the certificate ends. Raises Unreachable."""
        with self._connected() as connected:
            if not isinstance(connected, ssl.SSLSocket):
                return Spoken("", None)
            expiry = None
            with suppress(ValueError):
                left = ends_der(connected.getpeercert(binary_form=True) or b"") - datetime.now(UTC)
                expiry = Expiry(f"that {self.url} shows", left.total_seconds() / _SECONDS_OF_A_DAY)
            return Spoken((connected.version() or "").replace("TLSv", "TLS "), expiry)

    def _connected(self) -> socket.socket:
        sock: socket.socket | None = None
        try:
            if self._path:
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                sock.settimeout(LONGEST_S)
                sock.connect(self._path)
                return sock
            sock = socket.create_connection((self._host, self._port), LONGEST_S)
            return self._wrapped(sock) if self._tls else sock
        except OSError as problem:
            if sock is not None:
                sock.close()
            raise Unreachable(f"{self.url}: {problem.strerror or problem}") from problem

    def _wrapped(self, sock: socket.socket) -> ssl.SSLSocket:
        # Looked at, not trusted: nothing secret is sent, and one's own authority is often not known here.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(sock, server_hostname=self._host)


def wrong_token() -> str:
    """One that nobody has."""
    return secrets.token_urlsafe(24)
