"""Several Tidegate nodes behind a load balancer, each in a network namespace of its own where that can be had."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from e2e.daemons import Daemon
from e2e.presence import CHECKOUT, absent
from e2e.processes import free_port, wait_until

PORT = 8200


class Place(NamedTuple):
    """Where a node runs."""

    address: str
    prefix: tuple[str, ...]
    """What its command begins with."""


def _ip(*words: str) -> bool:
    return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0


@contextmanager
def places(count: int) -> Iterator[list[Place]]:
    """Network namespaces, each joined to this host by a pair of devices; addresses of loopback for users who may not make any."""
    mark = secrets.token_hex(3)
    made: list[Place] = []
    ip = shutil.which("ip")
    try:
        for number in range(1, count + 1):
            name, net = f"tg{mark}{number}", f"10.213.{secrets.randbelow(250)}"
            inside = ("-n", name)
            if not (
                ip
                and os.geteuid() == 0
                and _ip("netns", "add", name)
                and _ip("link", "add", f"{name}h", "type", "veth", "peer", "name", "eth0", "netns", name)
                and _ip("addr", "add", f"{net}.1/30", "dev", f"{name}h")
                and _ip("link", "set", f"{name}h", "up")
                and _ip(*inside, "addr", "add", f"{net}.2/30", "dev", "eth0")
                and _ip(*inside, "link", "set", "eth0", "up")
                and _ip(*inside, "link", "set", "lo", "up")
            ):
                break
            made.append(Place(f"{net}.2", (ip, "netns", "exec", name)))
        yield made if len(made) == count else [Place(f"127.0.0.{number + 2}", ()) for number in range(count)]
    finally:
        for number in range(1, count + 1):
            _ip("netns", "del", f"tg{mark}{number}")


def documented_configuration(bind: str, nodes: dict[str, str], admin: Path) -> str:
    """The one of docs/scaling.md, with the addresses of this test."""
    text = (CHECKOUT / "docs" / "scaling.md").read_text()
    found = re.search(r"```haproxy\n(.*?)```", text, re.DOTALL)
    assert found, "docs/scaling.md has no configuration"
    configuration = found[1].replace("/run/haproxy/admin.sock", str(admin)).replace("0.0.0.0:8200", bind)
    for name, address in nodes.items():
        configuration, times = re.subn(rf"server {name} \S+", f"server {name} {address}", configuration)
        assert times == 1, name
    return configuration


class Balancer:
    """HAProxy in front of two nodes."""

    def __init__(self, folder: Path, nodes: dict[str, Daemon]) -> None:
        program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
        if program is None:
            absent("haproxy")
        self._program = program
        self.port = free_port()
        self._admin = folder / "haproxy.sock"
        self._file = folder / "haproxy.cfg"
        addresses = {name: f"{node.host}:{node.port}" for name, node in nodes.items()}
        self._file.write_text(documented_configuration(f"127.0.0.1:{self.port}", addresses, self._admin))
        self._output = folder / "haproxy.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Balancer:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen([self._program, "-f", self._file], stdout=output, stderr=output)
        wait_until(self._admin.exists, "haproxy starts", 10, self.words)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    def words(self) -> str:
        """All that it printed."""
        return self._output.read_text(errors="replace")

    def tell(self, command: str) -> str:
        """Its answer to a command on its admin socket."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            sock.connect(str(self._admin))
            sock.sendall(command.encode() + b"\n")
            answer = b""
            while piece := sock.recv(65536):
                answer += piece
        return answer.decode()

    def _row(self, node: str) -> list[str]:
        rows = [line.split(",") for line in self.tell("show stat").splitlines()]
        return next(row for row in rows if row[:2] == ["tidegate", node])

    def is_up(self, node: str) -> bool:
        """Whether its health check says so."""
        return self._row(node)[17] == "UP"

    def take_out(self, node: str) -> None:
        """No new requests for the node; waits until those under way have ended."""
        self.tell(f"set server tidegate/{node} state drain")
        wait_until(lambda: self._row(node)[4] == "0", f"requests of {node} end", 30, self.words)
        time.sleep(0.1)

    def put_back(self, node: str) -> None:
        """The node is as good as the others again."""
        self.tell(f"set server tidegate/{node} state ready")
        wait_until(lambda: self.is_up(node), f"haproxy sees {node}", 15, self.words)
