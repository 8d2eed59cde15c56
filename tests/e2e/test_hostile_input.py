"""Experiments 25 to 28 and 30, short: what hostile clients send and hold, against real processes. Counts, memory and outcomes;
`TIDEGATE_LONG=1` takes the numbers of the experiments themselves."""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import socket
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import MakeDaemon
from e2e.daemons import Answer, Daemon
from e2e.processes import wait_until

LONG = os.environ.get("TIDEGATE_LONG") == "1"
SLOW_CLIENTS = 10_000 if LONG else 900
BOMB_BYTES = 10 << 30 if LONG else 1 << 28
META = b'{"metadata":{"service":{"name":"shop","agent":{"name":"python","version":"1"}}}}\n'
GOOD = b'{"log":{"message":"good"}}\n'
USUAL = b'{"log":{"message":"' + b"usual " * 200 + b'"}}\n'
"""An event of a size that agents send."""
EVENTS = b"POST /intake/v2/events?verbose HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the local store; whatever is sent, its processes are the same at the end."""
    with Daemon(tmp_path_factory.mktemp("hostile"), {"output.local.enabled": True}) as daemon:
        daemon.start()
        before = daemon.children("acceptor") + daemon.children("worker")
        yield daemon
        assert daemon.children("acceptor") + daemon.children("worker") == before, "none died"
        assert "Traceback" not in daemon.output()
        daemon.stop()


def memory(pid: int) -> int:
    """Resident bytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def send(daemon: Daemon, body: bytes, encoding: str = "", timeout: float = 60) -> Answer:
    headers = {"Content-Type": "application/x-ndjson", "Accept": "application/json"}
    if encoding:
        headers["Content-Encoding"] = encoding
    return daemon.request("POST", "/intake/v2/events?verbose", body, headers, timeout=timeout)


def test_experiment_25_a_flood_shuts_nobody_out(running: Daemon) -> None:
    flood = gzip.compress(META + USUAL * 500, mtime=0)
    stop = threading.Event()
    statuses: Counter[int] = Counter()

    def tenant_x() -> None:
        connection = HTTPConnection("127.0.0.1", running.port, timeout=30, source_address=("127.0.0.2", 0))
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
        while not stop.is_set():
            connection.request("POST", "/intake/v2/events", flood, headers)
            response = connection.getresponse()
            response.read()
            statuses[response.status] += 1
        connection.close()

    threads = [threading.Thread(target=tenant_x, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        answers = [send(running, META + USUAL) for _ in range(20)]
    finally:
        stop.set()
        for thread in threads:
            thread.join(40)
    assert [(answer.status, answer.json()) for answer in answers] == [(202, {"accepted": 1})] * 20
    assert statuses[202] > 0 and set(statuses) <= {202, 503}


def test_experiment_26_slow_clients_cost_little_and_hinder_nobody(running: Daemon) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(SLOW_CLIENTS, (hard - 200) // 2)
    ways = (
        b"GET / HTTP/1.1\r\nHost: x\r\nA: begun",
        EVENTS + b"Content-Length: 100000\r\n\r\n" + META + b'{"log":{"mess',
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    acceptor = running.one_child("acceptor")
    try:
        with ExitStack() as stack:
            send(running, META + GOOD)
            before = memory(acceptor)
            for number in range(count):
                client = stack.enter_context(socket.socket())
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", running.port))
                client.sendall(ways[number % len(ways)])
                if number % 100 == 0:
                    assert send(running, META + GOOD).status == 202
            assert send(running, META + GOOD).json() == {"accepted": 1}
            each = (memory(acceptor) - before) / count
        assert each <= 20_000, f"{each:.0f} bytes for each of {count} connections"
        wait_until(lambda: send(running, META + GOOD).status == 202, "they leave at once", 10)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def zeros(size: int) -> bytes:
    """A gzip stream of so many zeros, about a thousandth as long."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1 << 20)
    return packer.compress(META) + b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()


def test_experiment_27_compression_bombs_take_no_memory(running: Daemon) -> None:
    pids = [running.one_child("acceptor"), running.one_child("worker")]
    send(running, META + GOOD * 2000)
    before = [memory(pid) for pid in pids]
    empty_member = gzip.compress(b"", mtime=0)
    line_gzip = gzip.compress(GOOD, mtime=0)
    bombs: list[tuple[str, bytes, str, set[int], int]] = [
        ("one endless line", zeros(BOMB_BYTES), "gzip", {400}, 0),
        ("nested: a body that is gzip within gzip", gzip.compress(gzip.compress(META + GOOD)), "gzip", {400}, 0),
        ("many members", gzip.compress(META, mtime=0) + line_gzip * 3000, "gzip", {202}, 3000),
        ("many empty members", gzip.compress(META + GOOD, mtime=0) + empty_member * 100_000, "gzip", {500}, 1),
        ("ten million lines of a byte", gzip.compress(META + b"x\n" * 10_000_000, 1, mtime=0), "gzip", {400}, 0),
        ("ten million empty lines", gzip.compress(META + GOOD + b"\n" * 10_000_000, 1, mtime=0), "gzip", {202}, 1),
        ("metadata of 256 MiB", gzip.compress(bytes(1 << 28), 1, mtime=0), "gzip", {400}, 0),
        ("deflate with a wrong header", b"\x78\x00" + zlib.compress(META + GOOD)[2:], "deflate", {400}, 0),
        ("gzip called deflate", gzip.compress(META + GOOD), "deflate", {400}, 0),
        ("a damaged checksum", gzip.compress(META + GOOD, mtime=0)[:-8] + bytes(8), "gzip", {500}, 1),
    ]
    for name, body, encoding, statuses, accepted in bombs:
        answer = send(running, body, encoding)
        assert answer.status in statuses, (name, answer.status, answer.body[:300])
        assert answer.json().get("accepted", 0) == accepted, (name, answer.body[:300])
    grown = [(memory(pid) - was) >> 20 for pid, was in zip(pids, before, strict=True)]
    assert all(one <= 64 for one in grown), f"MiB more in acceptor and worker: {grown}"


def log_with(text: str) -> bytes:
    return b'{"log":{"message":"x",' + text.encode("utf-8", "surrogatepass") + b"}}\n"


LABELS = ",".join(f'"k{number}":"v"' for number in range(10_000))
HOSTILE = [
    ("objects 100,000 deep", b'{"log":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}\n", 0),
    ("arrays 100,000 deep", b'{"log":{"message":"x","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}\n", 0),
    ("brackets that never close", b"[" * 250_000 + b"\n", 0),
    ("a number of 200,000 digits", b'{"log":{"message":"x","@timestamp":' + b"1" * 200_000 + b"}}\n", 0),
    ("such a number where none is read", b'{"log":{"message":"x","other":' + b"1" * 200_000 + b"}}\n", 1),
    ("an exponent out of all bounds", b'{"log":{"message":"x","@timestamp":1e999999999}}\n', 0),
    ("a key twice", log_with('"message":"y"'), 1),
    ("lone surrogates", log_with('"labels":{"a":"\\ud800","b":"\\udc00 \\ud800x"}'), 1),
    ("raw surrogates", log_with('"labels":{"a":"\ud800"}'), None),
    ("NUL as an escape", log_with('"labels":{"a\\u0000":"\\u0000"}'), 1),
    ("NUL as a byte", log_with('"labels":{"a":"\0"}'), 0),
    ("NaN", log_with('"@timestamp":NaN'), 0),
    ("Infinity in a label", log_with('"labels":{"a":Infinity}'), 0),
    ("ten thousand labels", log_with('"labels":{' + LABELS + "}"), 1),
    ("a key of 250,000 letters", log_with('"labels":{"' + "k" * 250_000 + '":"v"}'), 1),
    ("a key of a megabyte", log_with('"labels":{"' + "k" * 1_000_000 + '":"v"}'), 0),
    ("comments", b'/* x */ {"log":{"message":"x"}}\n', 0),
    ("two values in a line", b'{"log":{"message":"x"}} {"log":{"message":"y"}}\n', None),
    ("an unknown event", b'{"unknown":{}}\n', 0),
    ("an array", b"[1,2]\n", 0),
    ("null", b"null\n", 0),
    ("a string without end", b'{"log":{"message":"x\n', 0),
    ("no bytes of text", bytes(range(128, 256)) + b"\n", 0),
]
"""What it is, the line, and how many events it makes; None: either."""


@pytest.mark.parametrize(("line", "accepted"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_experiment_28_hostile_json_costs_its_line_only(running: Daemon, line: bytes, accepted: int | None) -> None:
    answer = send(running, META + GOOD + line + GOOD)
    said = answer.json()
    if accepted is not None:
        assert said["accepted"] == 2 + accepted, said
        assert len(said.get("errors", [])) == 1 - accepted
        assert answer.status == (202 if accepted else 400)
    else:
        assert said["accepted"] in (2, 3), said


def test_experiment_30_spoofed_addresses_count_against_the_peer(daemon: MakeDaemon) -> None:
    running = daemon(
        {
            "output.local.enabled": True,
            "tidegate.trusted_proxies": ["192.0.2.1"],
            "apm-server.rum.enabled": True,
            "apm-server.auth.secret_token": "for-services",
            "apm-server.auth.anonymous.rate_limit.event_limit": 5,
            "apm-server.auth.anonymous.rate_limit.ip_limit": 50,
        }
    ).start()
    acceptor = running.one_child("acceptor")
    body = b'{"metadata":{"service":{"name":"shop","agent":{"name":"rum-js","version":"5"}}}}\n' + GOOD * 5
    connection = HTTPConnection("127.0.0.1", running.port, timeout=20)
    statuses: Counter[int] = Counter()
    before = memory(acceptor)
    for number in range(50_000 if LONG else 150):
        spoofed = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        headers = {"Content-Type": "application/x-ndjson", "Origin": "http://x", "X-Forwarded-For": spoofed}
        connection.request("POST", "/intake/v2/rum/events", body, headers)
        response = connection.getresponse()
        response.read()
        statuses[response.status] += 1
    connection.close()
    assert set(statuses) <= {202, 400, 429} and statuses[429] > 100, statuses
    assert memory(acceptor) - before < 16 << 20
    headers = {"Content-Type": "application/x-ndjson", "Authorization": "Bearer for-services"}
    assert running.request("POST", "/intake/v2/events", META + GOOD, headers).status == 202
    running.stop()


def test_ten_thousand_names_of_services_are_refused_beyond_the_limit(daemon: MakeDaemon) -> None:
    most = 20
    running = daemon(
        {
            "output.local.enabled": True,
            "apm-server.auth.secret_token": "for-services",
            "apm-server.auth.anonymous.enabled": True,
            "apm-server.auth.anonymous.allow_agent": ["rum-js"],
            "apm-server.auth.anonymous.rate_limit.event_limit": 100_000,
            "apm-server.rum.enabled": True,
            "tidegate.auth.anonymous.max_services": most,
        }
    ).start()
    worker = running.one_child("worker")
    before = memory(worker)
    connection = HTTPConnection("127.0.0.1", running.port, timeout=20)
    statuses: Counter[int] = Counter()
    for number in range(10_000 if LONG else 120):
        meta: dict[str, Any] = {"service": {"name": f"made-up-{number}", "agent": {"name": "rum-js", "version": "5"}}}
        lines = json.dumps({"metadata": meta}).encode() + b"\n" + GOOD
        headers = {"Content-Type": "application/x-ndjson", "Origin": "http://x"}
        connection.request("POST", "/intake/v2/rum/events", lines, headers)
        response = connection.getresponse()
        response.read()
        statuses[response.status] += 1
    connection.close()
    assert statuses[202] + statuses[400] <= most and statuses[403] >= 100, statuses
    assert memory(worker) - before < 32 << 20
    running.stop()


CHUNKED = EVENTS + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
RESET = struct.pack("ii", 1, 0)
ODD_CONNECTIONS = {
    "requests without end, answers unread": GET * 4000,
    "errors without end, answers unread": (EVENTS + b"Content-Length: 9\r\n\r\nnonsense\n") * 3000,
    "extensions of chunks": CHUNKED + (b"1;" + b"x" * 4000 + b"\r\na\r\n") * 500,
    "an extension without end": CHUNKED + b"1;" + b"x" * 2_000_000,
    "trailers without end": CHUNKED + b"0\r\n" + b"A: b\r\n" * 300_000,
    "chunks of one byte": CHUNKED + b"1\r\na\r\n" * 100_000,
    "expectations": (EVENTS + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n") * 2000,
    "header lines without end": b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 300_000,
    "a target without end": b"GET /" + b"a" * 3_000_000,
    "nothing but line ends": b"\r\n" * 1_000_000,
    "random bytes": bytes(random.Random(6).randbytes(1_000_000)),
}


@pytest.mark.parametrize("name", ODD_CONNECTIONS)
def test_check_09_odd_connections_hold_little_and_hinder_nobody(running: Daemon, name: str) -> None:
    acceptor = running.one_child("acceptor")
    send(running, META + GOOD)
    before = memory(acceptor)
    sent = ODD_CONNECTIONS[name]
    with ExitStack() as stack:
        for number in range(8):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            client.setblocking(False)
            with suppress(OSError):
                # As much as goes; nothing is read.
                for at in range(0, len(sent), 65536):
                    client.sendall(sent[at : at + 65536])
            if number % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        assert send(running, META + GOOD).json() == {"accepted": 1}
        grown = memory(acceptor) - before
    assert grown < 48 << 20, f"{grown >> 20} MiB more for {name}"
    assert send(running, META + GOOD).json() == {"accepted": 1}


def test_check_10_connections_that_come_and_go_cost_nothing(running: Daemon) -> None:
    acceptor = running.one_child("acceptor")
    send(running, META + GOOD)
    files = len(list(Path(f"/proc/{acceptor}/fd").iterdir()))
    for number in range(1500):
        with socket.create_connection(("127.0.0.1", running.port)) as client:
            if number % 3:
                client.sendall(GET[: number % len(GET)])
            if number % 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    assert send(running, META + GOOD).json() == {"accepted": 1}
    wait_until(
        lambda: len(list(Path(f"/proc/{acceptor}/fd").iterdir())) <= files + 2,
        "no descriptor is left",
        10,
        running.output,
    )
