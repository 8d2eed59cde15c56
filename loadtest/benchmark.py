"""CPU per event of a running Tidegate, by process, end to end: HTTP in, bulk requests out, fsync before each 202.

    python loadtest/benchmark.py --mix ../shared/mix --sink ../shared/tools/fake_elasticsearch.py

Starts `tidegate run` with a stand-in for Elasticsearch that only counts, warms it up, then sends the bodies of the mix in
turn over a few connections and reads the CPU time of each process from /proc. Everything on loopback, bounded by --events.
Prints µs of CPU (user + system, all threads) per event. Differences under 10 % need runs in turns on one machine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENCE_S = 60.0
SETTLE_S = 3.0
"""What is acknowledged still goes out: its cost belongs to the events."""
TICKS = os.sysconf("SC_CLK_TCK")
ROLES = {"tidegate.daemon.acceptor.main": "acceptor", "tidegate.workers.main": "worker"}


@dataclass(frozen=True)
class Body:
    """One request, ready to send, and how many events it holds."""

    wire: bytes
    events: int


def read_mix(folder: Path) -> list[Body]:
    """The bodies of the mix as whole HTTP requests."""
    bodies = []
    for path in sorted(folder.glob("*.gz")):
        data = path.read_bytes()
        head = (
            "POST /intake/v2/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-ndjson\r\n"
            f"Content-Encoding: gzip\r\nUser-Agent: benchmark\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        bodies.append(Body(head.encode("ascii") + data, gzip.decompress(data).count(b"\n") - 1))
    if not bodies:
        raise SystemExit(f"--mix: no *.gz in {folder}")
    return bodies


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all threads, ended ones included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processes(supervisor: int) -> dict[int, str]:
    """The supervisor and its children, by role."""
    found = {supervisor: "supervisor"}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_text().split("\0")
        except (OSError, ValueError):
            continue
        if parent == supervisor:
            found[int(entry.name)] = next((ROLES[word] for word in command if word in ROLES), "other")
    return found


class Sender(threading.Thread):
    """One connection that sends its share of requests, each after the answer to the one before."""

    def __init__(self, port: int, bodies: Sequence[Body], requests: int) -> None:
        super().__init__(daemon=True)
        self._port, self._bodies, self._requests = port, bodies, requests
        self.events = 0
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []

    def run(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S) as sock:
            for number in range(self._requests):
                body = self._bodies[number % len(self._bodies)]
                began = time.perf_counter()
                sock.sendall(body.wire)
                answer = b""
                while b"\r\n\r\n" not in answer:
                    piece = sock.recv(65536)
                    if not piece:
                        raise SystemExit("the server closed a connection")
                    answer += piece
                self.seconds.append(time.perf_counter() - began)
                status = int(answer.split(b" ", 2)[1])
                self.statuses[status] += 1
                if status == 202:
                    self.events += body.events


def send(port: int, bodies: list[Body], events: int, connections: int) -> list[Sender]:
    """Sends about so many events over so many connections and waits for the last answer."""
    per_request = sum(body.events for body in bodies) / len(bodies)
    requests = max(1, int(events / per_request / connections))
    senders = [
        Sender(port, bodies[place * 7 % len(bodies) :] + bodies[: place * 7 % len(bodies)], requests)
        for place in range(connections)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return senders


def stored(control: str) -> int:
    """Documents that the stand-in has created so far."""
    with urllib.request.urlopen(f"{control}/__control", timeout=PATIENCE_S) as answer:
        return int(json.load(answer)["counters"].get("items_created", 0))


def wait_for(what: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if ready():
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"{what}: not within {PATIENCE_S:g} s")


def answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    bodies = read_mix(arguments.mix)
    port, sink_port, control_port = free_port(), free_port(), free_port()
    control = f"http://127.0.0.1:{control_port}"
    sink = subprocess.Popen(
        [
            sys.executable,
            str(arguments.sink),
            "--port",
            str(sink_port),
            "--control-port",
            str(control_port),
            "--count-only",
        ],
        stdout=subprocess.DEVNULL,
    )
    command = [str(Path(sys.executable).with_name("tidegate")), "run"]
    for setting in (
        f"apm-server.host=127.0.0.1:{port}",
        f"path.data={folder / 'data'}",
        f"output.elasticsearch.hosts=http://127.0.0.1:{sink_port}",
        "tidegate.logging.requests=errors",
        f"tidegate.workers={arguments.workers}",
        *arguments.setting,
    ):
        command += ["-E", setting]
    server = None
    try:
        wait_for("the stand-in for Elasticsearch", lambda: answers(f"{control}/__control"))
        with (folder / "output").open("wb") as output:
            server = subprocess.Popen(command, stderr=output, stdout=output)
        wait_for("tidegate run", lambda: answers(f"http://127.0.0.1:{port}/"))
        for _ in range(arguments.runs):
            one_run(arguments, bodies, server.pid, port, control)
    finally:
        for process in (server, sink):
            if process is not None:
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE_S)
        log = (folder / "output").read_text(errors="replace")
        if log.strip():
            print("--- output of tidegate run\n" + log[-2000:], file=sys.stderr)


def one_run(arguments: argparse.Namespace, bodies: list[Body], supervisor: int, port: int, control: str) -> None:
    send(port, bodies, arguments.events // 10, arguments.connections)
    time.sleep(SETTLE_S)
    known = processes(supervisor)
    before = {pid: cpu_seconds(pid) for pid in known}
    stored_before = stored(control)
    began = time.monotonic()
    senders = send(port, bodies, arguments.events, arguments.connections)
    took = time.monotonic() - began
    time.sleep(SETTLE_S)
    events = sum(sender.events for sender in senders)
    spent: dict[str, float] = defaultdict(float)
    memory: dict[str, float] = defaultdict(float)
    for pid, role in known.items():
        spent[role] += 1e6 * (cpu_seconds(pid) - before[pid]) / events
        memory[role] += resident_mib(pid)
    waits = sorted(second for sender in senders for second in sender.seconds)
    statuses: Counter[int] = Counter()
    for sender in senders:
        statuses += sender.statuses
    print(
        f"{events} events acknowledged, {stored(control) - stored_before} stored, {events / took:.0f}/s, "
        f"statuses {dict(statuses)}, p50 {1e3 * waits[len(waits) // 2]:.1f} ms, "
        f"p99 {1e3 * waits[len(waits) * 99 // 100]:.1f} ms\n"
        "  µs of CPU per event: "
        + ", ".join(f"{role} {value:.1f}" for role, value in sorted(spent.items()))
        + f", together {sum(spent.values()):.1f}; resident MiB: "
        + ", ".join(f"{role} {value:.0f}" for role, value in sorted(memory.items())),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mix", type=Path, required=True, help="folder of gzip NDJSON bodies, *.gz")
    parser.add_argument(
        "--sink", type=Path, required=True, help="a stand-in for Elasticsearch that can only count (--count-only)"
    )
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--connections", type=int, default=6)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--setting", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()} ({platform.python_compiler()}), {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        measure(arguments, Path(folder))


if __name__ == "__main__":
    main()
