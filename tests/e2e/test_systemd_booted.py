"""The installed unit on a booted systemd: it really runs under its restrictions, and restarts without refusing anybody."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.booted import PREFIX, Machine
from e2e.processes import wait_until
from tls_authority import Authority

pytestmark = pytest.mark.timeout(240)
RESTARTS = 5
COMMAND = f"{PREFIX}/bin/tidegate"
SETTINGS = "/etc/tidegate/tidegate.yml"
CREDENTIALS = "/etc/tidegate/credentials"
TOKEN = "0123456789abcdef"
CLIENTS = """
import collections, hashlib, http.client, json, ssl, sys, threading, time
tls, token = sys.argv[1] == "tls", sys.argv[2]
context = ssl._create_unverified_context()
lines = [
    {"metadata": {"service": {"name": "booted", "agent": {"name": "python", "version": "6.0.0"}}}},
    {"metricset": {"timestamp": 1700000000000000, "samples": {"x": {"value": 1}}}},
]
body = b"".join(json.dumps(line).encode() + b"\\n" for line in lines)
results, seen, lock, stop = collections.Counter(), set(), threading.Lock(), threading.Event()

def one():
    if tls:
        connection = http.client.HTTPSConnection("127.0.0.1", 8200, timeout=30, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", 8200, timeout=30)
    try:
        connection.connect()
        if tls:
            seen.add(hashlib.sha256(connection.sock.getpeercert(True)).hexdigest())
        headers = {"Authorization": "Bearer " + token, "Content-Type": "application/x-ndjson"}
        connection.request("POST", "/intake/v2/events", body, headers)
        return str(connection.getresponse().status)
    except Exception as problem:
        return repr(problem)
    finally:
        connection.close()

def work():
    while not stop.wait(0.01):
        result = one()
        with lock:
            results[result] += 1

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
while not results:
    time.sleep(0.01)
print("first", flush=True)
sys.stdin.read()
stop.set()
for thread in threads:
    thread.join()
print(json.dumps([results, sorted(seen)]))
"""


class Load:
    """Clients in the machine that send one request after another, each on its own connection, while the block runs."""

    def __init__(self, machine: Machine, *, tls: bool = False, token: str = TOKEN) -> None:
        command = machine.inside("/opt/python/bin/python3", "-c", CLIENTS, "tls" if tls else "plain", token)
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.results: dict[str, int] = {}
        self.certificates: list[str] = []

    def __enter__(self) -> Load:
        assert self._process.stdout is not None
        self._process.stdout.readline()  # the first answer is there
        return self

    def __exit__(self, *_: object) -> None:
        said, _rest = self._process.communicate("", timeout=60)
        self.results, self.certificates = json.loads(said)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """With Tidegate installed, set up and started, as docs/operating.md says."""
    with Machine(tmp_path_factory.mktemp("booted")) as booted:
        booted.run(COMMAND, "systemd", "install")
        booted.run("systemd-sysusers")
        set_up(booted)
        booted.run("systemctl", "daemon-reload")
        booted.run("systemctl", "enable", "--now", "tidegate.socket", "tidegate.service")
        yield booted


def set_up(machine: Machine, more: str = "") -> None:
    """Settings of the service, and who may read them."""
    text = f"apm-server.host: 127.0.0.1:8200\noutput.local.enabled: true\npath.data: /var/lib/tidegate\n{more}"
    machine.write(SETTINGS, text if "secret_token" in more else f"{text}apm-server.auth.secret_token: {TOKEN}\n", 0o640)
    machine.run("systemd-tmpfiles", "--create", "tidegate.conf")


def complaints(machine: Machine) -> str:
    """What the service said at warning and above, and what systemd said of it."""
    said = machine.run("journalctl", "--unit=tidegate.service", "--output=cat", "--no-pager")
    return "\n".join(line for line in said.splitlines() if '"log.level":"warn' in line or '"log.level":"error' in line)


def test_it_serves_under_all_its_restrictions_without_a_warning(machine: Machine) -> None:
    assert machine.shown("tidegate.service", "StatusText") == "serving on 127.0.0.1:8200; 1 acceptor, 1 worker"
    with Load(machine) as load:
        wait_until(lambda: "booted" in machine.run(COMMAND, "services", "-c", SETTINGS), "events are stored", 30)
    assert set(load.results) == {"202"}
    status = machine.run("cat", f"/proc/{machine.shown('tidegate.service', 'MainPID')}/status")
    assert {"NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"} <= set(status.splitlines())
    # An acceptor that could not shut itself off says so at warning.
    assert complaints(machine) == ""


def test_units_are_clean_and_a_second_install_changes_nothing(machine: Machine) -> None:
    units = ("/etc/systemd/system/tidegate.service", "/etc/systemd/system/tidegate.socket")
    said = machine.run("systemd-analyze", "verify", *units)
    assert [line for line in said.splitlines() if "tidegate" in line] == []
    said = machine.run(COMMAND, "systemd", "install")
    verbs = [line.split()[0] for line in said.splitlines() if " /etc/" in line and not line.startswith(" ")]
    assert set(verbs) == {"unchanged", "yours"}


def test_a_reload_waits_and_says_what_became_of_it(machine: Machine) -> None:
    pid = machine.shown("tidegate.service", "MainPID")
    set_up(machine, "apm-server.auth.secret_token: another-0123456789abcdef\n")
    machine.run("systemctl", "reload", "tidegate.service")
    with Load(machine, token="another-0123456789abcdef") as load:
        pass
    assert set(load.results) == {"202"}
    set_up(machine, "apm-server.shutdown_timeout: never\n")
    assert machine.run("systemctl", "reload", "tidegate.service", check=False)
    said = machine.run("journalctl", "--unit=tidegate.service", "--output=cat", "--no-pager")
    assert "error: /etc/tidegate/tidegate.yml:4: apm-server.shutdown_timeout" in said
    set_up(machine)
    machine.run("systemctl", "reload", "tidegate.service")
    assert machine.shown("tidegate.service", "MainPID") == pid


def test_restarts_refuse_nobody(machine: Machine) -> None:
    with Load(machine) as load:
        for _ in range(RESTARTS):
            machine.run("systemctl", "restart", "tidegate.service")
    assert set(load.results) == {"202"}, load.results


def test_root_only_credentials_and_certificates_arrive_with_a_restart(machine: Machine, tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    def hand_over(token: str) -> None:
        for name, text in (
            ("AGENT_TOKEN", f"{token}\n"),
            ("certificate.pem", authority.certificate.read_text()),
            ("key.pem", authority.key.read_text()),
        ):
            machine.write(f"{CREDENTIALS}/{name}", text, 0o600)

    hand_over(TOKEN)
    set_up(
        machine,
        "apm-server.auth.secret_token: ${AGENT_TOKEN}\napm-server.ssl.enabled: true\n"
        "apm-server.ssl.certificate: ${CREDENTIALS_DIRECTORY}/certificate.pem\n"
        "apm-server.ssl.key: ${CREDENTIALS_DIRECTORY}/key.pem\n",
    )
    machine.run(COMMAND, "systemd", "install")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "tidegate.service")
    with Load(machine, tls=True) as load:
        authority.renew()
        hand_over(TOKEN)
        machine.run("systemctl", "restart", "tidegate.service")
    assert set(load.results) == {"202"}, load.results
    assert len(load.certificates) == 2
    hand_over("another-token-0123456789")
    machine.run("systemctl", "restart", "tidegate.service")
    for token, status in ((TOKEN, "401"), ("another-token-0123456789", "202")):
        with Load(machine, tls=True, token=token) as load:
            time.sleep(0.5)
        # Wrong tokens are slowed down after a while.
        assert set(load.results) <= {status, "429"}
        assert status in load.results


def test_a_supervisor_that_hangs_or_dies_is_replaced_and_bad_settings_are_not_tried_again(machine: Machine) -> None:
    set_up(machine)
    machine.run("systemctl", "restart", "tidegate.service")
    machine.write("/run/systemd/system/tidegate.service.d/quick.conf", "[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "tidegate.service")
    for blow in ("KILL", "STOP"):
        before = machine.shown("tidegate.service", "MainPID")
        machine.run("systemctl", "kill", "--kill-whom=main", f"--signal={blow}", "tidegate.service")

        def replaced(before: str = before) -> bool:
            return machine.shown("tidegate.service", "MainPID") not in ("0", before) and (
                machine.shown("tidegate.service", "ActiveState") == "active"
            )

        wait_until(replaced, f"a successor after SIG{blow}", 40)
    machine.write(SETTINGS, "apm-server.host: 127.0.0.1:8201\noutput.local.enabled: true\n", 0o640)
    machine.run("systemd-tmpfiles", "--create", "tidegate.conf")
    machine.run("systemctl", "restart", "tidegate.service", check=False)
    assert machine.shown("tidegate.service", "ActiveState") == "failed"
    assert machine.shown("tidegate.service", "ExecMainStatus") == "78"
    said = machine.run("journalctl", "--unit=tidegate.service", "--output=cat", "--no-pager")
    assert "systemd passed a socket on 127.0.0.1:8200, but apm-server.host is 127.0.0.1:8201" in said
