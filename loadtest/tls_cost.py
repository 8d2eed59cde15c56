"""What TLS costs an acceptor: CPU per request, per new connection and per megabyte, with and without.

    python -m tidegate.loadtest.tls_cost --certificate c.pem --key k.pem --authority ca.pem

The certificate is for `localhost`. Starts `tidegate run` with a local store, once in plain HTTP and once in TLS; everything on
loopback. Prints µs of the acceptor's CPU (user + system).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tidegate.loadtest.benchmark import PATIENCE_S, free_port, wait_for
from tidegate.loadtest.usage import tree, use

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY_BYTES = 1 << 20


def incompressible_body() -> bytes:
    """A request of one MiB on the wire: one event whose text does not compress, refused as too long, so that what is measured is
    reading and not decoding."""
    source = random.Random(1)
    meta = {"metadata": {"service": {"name": "s", "agent": {"name": "a", "version": "1"}}}}
    text = json.dumps(meta).encode() + b"\n" + bytes(source.choices(range(35, 91), k=BODY_BYTES * 4 // 3)) + b"\n"
    data = gzip.compress(text, 1)
    head = f"POST /intake/v2/events HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


class Server:
    """A running daemon and a way to it."""

    def __init__(self, folder: Path, context: ssl.SSLContext | None, settings: list[str]) -> None:
        self.port = free_port()
        self._context = context
        command = [str(Path(sys.executable).with_name("tidegate")), "run"]
        for setting in (
            f"apm-server.host=127.0.0.1:{self.port}",
            f"path.data={folder}",
            "output.local.enabled=true",
            "tidegate.logging.requests='off'",
            *settings,
        ):
            command += ["-E", setting]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("tidegate run", lambda: self.ask(self.connect()) == 200)
        self.acceptor = next(pid for pid, one in tree(self.process.pid).items() if one.name == "acceptor")

    def connect(self) -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return plain if self._context is None else self._context.wrap_socket(plain, server_hostname="localhost")

    @staticmethod
    def ask(connection: socket.socket, request: bytes = GET) -> int:
        """The status of the answer."""
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        head, _, rest = answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(rest) < length:
            rest += connection.recv(65536)
        return int(answer[9:12])

    def cost(self, times: int, call: Callable[[], object]) -> float:
        """µs of the acceptor's CPU for one call."""
        for _ in range(max(times // 10, 1)):
            call()
        before = use(self.acceptor).cpu
        for _ in range(times):
            call()
        return 1e6 * (use(self.acceptor).cpu - before) / times

    def new_connection(self) -> None:
        with self.connect() as connection:
            self.ask(connection)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)


def measured(server: Server, body: bytes) -> tuple[float, float, float]:
    """µs for a request, for a connection besides its request, and for a body."""
    with server.connect() as kept:
        request = server.cost(10_000, lambda: server.ask(kept))
        megabyte = server.cost(100, lambda: server.ask(kept, body)) - request
    return request, server.cost(2000, server.new_connection) - request, megabyte


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("certificate", "key", "authority"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    body = incompressible_body()
    context = ssl.create_default_context(cafile=arguments.authority)
    tls = [f"apm-server.ssl.certificate={arguments.certificate}", f"apm-server.ssl.key={arguments.key}"]
    for name, how, settings in (("plain HTTP", None, []), ("TLS", context, tls)):
        with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
            server = Server(Path(folder) / "data", how, settings)
            try:
                request, connection, megabyte = measured(server, body)
            finally:
                server.stop()
        print(
            f"{name}: request {request:.0f} µs, new connection {connection:.0f} µs, "
            f"{len(body) / 2**20:.2f} MiB of body {megabyte:.0f} µs"
        )


if __name__ == "__main__":
    main()
