"""CPU per event of a running Tidegate, by process and kind of event, end to end: HTTP in, bulk requests out, fsync before each 202.

    python -m tidegate.loadtest.benchmark --mix ../shared/mix --sink ../shared/tools/fake_elasticsearch.py

Starts `tidegate run` with a stand-in for Elasticsearch that only counts, warms it up, then sends requests in turn over a few
connections and reads the CPU time of each process from /proc. Everything on loopback, bounded by --events. Prints the table of
docs/performance.md. Differences under 10 % need runs in turns on one machine.
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tidegate.loadtest.histogram import Histogram
from tidegate.loadtest.profiles import BACKEND_PATH, Body, read_mix
from tidegate.loadtest.usage import Use, tree

PATIENCE_S = 60.0
SETTLE_S = 3.0
"""What is acknowledged still goes out: its cost belongs to the events."""
PER_REQUEST = 100
OVERLOAD = 200
"""Connections that all send as fast as they are answered: far more than the workers' credit serves at a time."""
_MIB = 1 << 20
_ANSWER_BYTES = 65_536

KINDS: dict[str, Callable[[bytes], bool]] = {
    "mix": lambda line: True,
    "transaction": lambda line: line.startswith(b'{"transaction"'),
    "span": lambda line: line.startswith(b'{"span"') and b'"stacktrace"' not in line,
    "span with stack": lambda line: line.startswith(b'{"span"') and b'"stacktrace"' in line,
    "error": lambda line: line.startswith(b'{"error"'),
    "metricset": lambda line: line.startswith(b'{"metricset"'),
}
"""Rows of the table, and which lines of the mix they take."""


class Row(NamedTuple):
    """One line of the table; CPU in µs per event."""

    name: str
    workers: int
    connections: int
    events: int
    per_second: float
    cpu: dict[str, float]
    """By process."""
    resident: dict[str, int]
    """Bytes at the end, by process."""
    latency: Histogram


def of_kind(bodies: Sequence[Body], wanted: Callable[[bytes], bool]) -> list[Body]:
    """The events of one kind under the metadata that they came with, so many to a request."""
    made = []
    for body in bodies:
        events = [line for line in body.lines[1:] if wanted(line)]
        # A body of the mix has five errors: sent often enough they fill a request too. Ids may repeat, documents do not.
        lines = [body.lines[0], *(events * (PER_REQUEST // max(len(events), 1) + 1))[:PER_REQUEST]]
        if events:
            made.append(Body(lines, gzip.compress(b"".join(lines), 6), PER_REQUEST))
    return made


def wire(body: Body) -> bytes:
    """The whole HTTP request."""
    head = (
        f"POST {BACKEND_PATH} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-ndjson\r\n"
        f"Content-Encoding: gzip\r\nUser-Agent: benchmark\r\nContent-Length: {len(body.packed)}\r\n\r\n"
    )
    return head.encode("ascii") + body.packed


def free_port() -> int:
    """One that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Sender(threading.Thread):
    """One connection that sends its share of requests, each after the answer to the one before: a thread and no parser, so
    that the load costs little beside what is measured."""

    def __init__(self, port: int, bodies: Sequence[tuple[bytes, int]], requests: int) -> None:
        super().__init__(daemon=True)
        self._port, self._bodies, self._requests = port, bodies, requests
        self.events = self.refused = 0
        self.latency = Histogram()

    def run(self) -> None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S) as sock:
            for number in range(self._requests):
                request, events = self._bodies[number % len(self._bodies)]
                began = time.perf_counter_ns()
                sock.sendall(request)
                answer = sock.recv(_ANSWER_BYTES)
                while b"\r\n\r\n" not in answer:
                    piece = sock.recv(_ANSWER_BYTES)
                    if not piece:
                        raise SystemExit("the server closed a connection")
                    answer += piece
                self.latency.add((time.perf_counter_ns() - began) // 1000)
                if answer.split(b" ", 2)[1] == b"202":
                    self.events += events
                else:
                    self.refused += 1
                    return


def send(port: int, bodies: Sequence[Body], events: int, connections: int) -> list[Sender]:
    """Sends about so many events over so many connections and waits for the last answer."""
    ready = [(wire(body), body.events) for body in bodies]
    per_request = sum(body.events for body in bodies) / len(bodies)
    requests = max(1, int(events / per_request / connections))
    places = [place * 7 % len(ready) for place in range(connections)]
    senders = [Sender(port, ready[place:] + ready[:place], requests) for place in places]
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
    """Until it is true. Raises SystemExit when that takes too long."""
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
    """Whether somebody says 200 there. Raises OSError."""
    with urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)


@dataclass(frozen=True)
class Rig:
    """A running Tidegate and the stand-in behind it."""

    supervisor: int
    port: int
    control: str
    workers: int


@contextmanager
def rig(sink: Path, workers: int, settings: Sequence[str]) -> Iterator[Rig]:
    """Both, started; ended when the context ends."""
    port, sink_port, control_port = free_port(), free_port(), free_port()
    control = f"http://127.0.0.1:{control_port}"
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        stand_in = [sys.executable, str(sink), "--port", str(sink_port), "--control-port", str(control_port)]
        processes = [subprocess.Popen([*stand_in, "--count-only"], stdout=subprocess.DEVNULL)]
        command = [str(Path(sys.executable).with_name("tidegate")), "run"]
        for setting in (
            f"apm-server.host=127.0.0.1:{port}",
            f"path.data={folder}/data",
            f"output.elasticsearch.hosts=http://127.0.0.1:{sink_port}",
            "tidegate.logging.requests=errors",
            f"tidegate.workers={workers}",
            *settings,
        ):
            command += ["-E", setting]
        try:
            wait_for("the stand-in for Elasticsearch", lambda: answers(f"{control}/__control"))
            with Path(folder, "output").open("wb") as output:
                processes.append(subprocess.Popen(command, stderr=output, stdout=output))
            wait_for("tidegate run", lambda: answers(f"http://127.0.0.1:{port}/"))
            yield Rig(processes[1].pid, port, control, workers)
        finally:
            for process in reversed(processes):
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE_S)


def measure(running: Rig, name: str, bodies: Sequence[Body], events: int, connections: int) -> Row:
    """One row. Raises SystemExit when something was refused or is missing at the end."""
    send(running.port, bodies, events // 10, connections)
    time.sleep(SETTLE_S)
    before, stored_before = tree(running.supervisor), stored(running.control)
    began = time.monotonic()
    senders = send(running.port, bodies, events, connections)
    took = time.monotonic() - began
    time.sleep(SETTLE_S)
    acknowledged = sum(sender.events for sender in senders)
    wait_for("all events in the stand-in", lambda: stored(running.control) - stored_before >= acknowledged)
    if refused := sum(sender.refused for sender in senders):
        raise SystemExit(f"{refused} requests were refused: the figures would be of something else")
    latency = Histogram()
    for sender in senders:
        latency.merge(sender.latency)
    cpu: dict[str, float] = {}
    resident: dict[str, int] = {}
    for pid, use in tree(running.supervisor).items():
        spent = use.cpu - before.get(pid, Use(use.name, use.cpu, 0)).cpu
        cpu[use.name] = cpu.get(use.name, 0.0) + 1e6 * spent / acknowledged
        resident[use.name] = resident.get(use.name, 0) + use.resident
    return Row(name, running.workers, connections, acknowledged, acknowledged / took, cpu, resident, latency)


def cells(row: Row) -> tuple[str, ...]:
    """A row as text."""
    return (
        row.name,
        str(row.workers),
        str(row.connections),
        f"{row.per_second:.0f}",
        f"{row.cpu.get('acceptor', 0):.1f}",
        f"{row.cpu.get('worker', 0):.1f}",
        f"{sum(row.cpu.values()):.1f}",
        f"{row.latency.percentile(50) / 1000:.1f}",
        f"{row.latency.percentile(99) / 1000:.1f}",
        f"{row.resident.get('acceptor', 0) / _MIB:.0f}",
        f"{row.resident.get('worker', 0) / _MIB:.0f}",
    )


HEAD = (
    "events",
    "workers",
    "connections",
    "events/s",
    "acceptor µs",
    "workers µs",
    "together µs",
    "p50 ms",
    "p99 ms",
    "acceptor MiB",
    "workers MiB",
)


def markdown(rows: Sequence[Row]) -> str:
    """The table as it stands in docs/performance.md."""
    dashes = "|".join(["---", *["--:"] * (len(HEAD) - 1)])
    head, *rest = ("| " + " | ".join(line) + " |" for line in (HEAD, *map(cells, rows)))
    return "\n".join([head, f"|{dashes}|", *rest])


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mix", type=Path, required=True, help="folder of gzip NDJSON bodies, *.gz")
    parser.add_argument("--sink", type=Path, required=True, help="a stand-in for Elasticsearch with --count-only")
    parser.add_argument("--events", type=int, default=100_000, help="of each row (%(default)s)")
    parser.add_argument("--connections", type=int, default=6)
    parser.add_argument("--workers", default="1", help="numbers of workers, with commas: 1,2,4 (%(default)s)")
    parser.add_argument("--kinds", default=",".join(KINDS), help="rows for one worker (%(default)s)")
    parser.add_argument("--no-overload", action="store_true", help=f"leave out the row with {OVERLOAD} connections")
    parser.add_argument("--setting", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    mix = read_mix(given.mix)
    rows: list[Row] = []

    def note(row: Row) -> None:
        rows.append(row)
        print(f"{row.name}, {row.workers} workers: {sum(row.cpu.values()):.1f} µs", file=sys.stderr, flush=True)

    for number, workers in enumerate(int(word) for word in given.workers.split(",")):
        with rig(given.sink, workers, given.setting) as running:
            for kind in given.kinds.split(",") if not number else ["mix"]:
                bodies = mix if kind == "mix" else of_kind(mix, KINDS[kind])
                note(measure(running, kind, bodies, given.events, given.connections))
            if not given.no_overload:
                note(measure(running, "mix, overload", mix, given.events, OVERLOAD))
    print(
        f"Python {platform.python_version()} ({platform.python_compiler()}), {os.cpu_count()} cores; "
        f"{given.events} events a row\n"
    )
    print(markdown(rows))


if __name__ == "__main__":
    main()
