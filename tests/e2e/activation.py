"""Starts a program as systemd does: with a listening socket as descriptor 3, the variables that say so, and one for what the
program has to tell."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from types import TracebackType

_PASS = """
import os, sys
if sys.argv[1] != "3":
    os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "tidegate.socket"}
os.execv(sys.argv[2], sys.argv[2:])
"""


def passing(sock: socket.socket) -> list[str]:
    """The beginning of a command line that hands over the socket; the descriptor must be passed on to it."""
    return [sys.executable, "-c", _PASS, str(sock.fileno())]


class Ear:
    """systemd's end of `NOTIFY_SOCKET`."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)

    def __enter__(self) -> Ear:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def hear(self, seconds: float) -> dict[str, str]:
        """The next datagram within so many seconds, empty if none came."""
        self._socket.settimeout(seconds)
        try:
            text = self._socket.recv(65536).decode()
        except TimeoutError:
            return {}
        return dict(line.split("=", 1) for line in text.splitlines())

    def hear_until(self, key: str, seconds: float) -> list[dict[str, str]]:
        """All datagrams up to the first one with that key, each within so many seconds of the one before."""
        heard = []
        while message := self.hear(seconds):
            heard.append(message)
            if key in message:
                return heard
        raise AssertionError(f"no {key} within {seconds} s; heard {heard}")
