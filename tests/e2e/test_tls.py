"""The scenarios `scn-tls*` and `scn-unix-socket`: TLS and UNIX sockets, with the whole daemon."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from e2e.conftest import MakeDaemon
from e2e.daemons import Daemon
from e2e.presence import absent
from e2e.processes import send_signal, wait_until
from tls_authority import Authority

LOCAL: dict[str, object] = {"output.local.enabled": True}
EVENTS = (
    b'{"metadata":{"service":{"name":"shop","agent":{"name":"python","version":"6"}}}}\n{"log":{"message":"one"}}\n'
)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def settings(authority: Authority, **more: object) -> dict[str, object]:
    """No `enabled`: a section is on without it."""
    return {
        **LOCAL,
        "apm-server.ssl.certificate": str(authority.certificate),
        "apm-server.ssl.key": str(authority.key),
        **{f"apm-server.ssl.{key}": value for key, value in more.items()},
    }


def started(daemon: Daemon, authority: Authority, *, own: bool = False) -> Daemon:
    """Starts it and waits until it answers in TLS."""
    daemon.launch()

    def answers() -> bool:
        if daemon.exit_code() is not None:
            pytest.fail(daemon.output(), pytrace=False)
        try:
            return get(daemon, authority.client_context(own=own)) == 200
        except OSError:
            return False

    wait_until(answers, "it answers in TLS", 30, daemon.output)
    return daemon


def get(daemon: Daemon, context: ssl.SSLContext) -> int:
    connection = http.client.HTTPSConnection("localhost", daemon.port, timeout=10, context=context)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def test_check_33_tls_1_2_and_1_3_are_offered_and_1_1_is_not(daemon: MakeDaemon, authority: Authority) -> None:
    running = started(daemon(settings(authority)), authority)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert get(running, authority.client_context(version)) == 200
    with pytest.raises(ssl.SSLError):
        get(running, authority.client_context(ssl.TLSVersion.TLSv1_1))
    connection = http.client.HTTPSConnection("localhost", running.port, context=authority.client_context())
    for _ in range(2):
        connection.request("POST", "/intake/v2/events", EVENTS, {"Content-Type": "application/x-ndjson"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (202, b"")
    connection.close()
    assert running.complaints() == []
    running.stop()


def test_check_33_openssl_sees_only_good_suites(daemon: MakeDaemon, authority: Authority) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        absent("openssl")
    running = started(daemon(settings(authority)), authority)

    def accepts(*options: str) -> bool:
        command = [openssl, "s_client", "-connect", f"127.0.0.1:{running.port}", *options]
        return subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False).returncode == 0

    assert accepts("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert accepts("-tls1_3")
    for weak in ("ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-GCM-SHA256", "eNULL:@SECLEVEL=0"):
        assert not accepts("-tls1_2", "-cipher", weak)
    assert not accepts("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    running.stop()


def test_plain_http_on_the_tls_port_is_400_with_a_text(daemon: MakeDaemon, authority: Authority) -> None:
    running = started(daemon(settings(authority)), authority)
    with socket.create_connection(("127.0.0.1", running.port), 10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert (head.split(b"\r\n")[0], body) == (
        b"HTTP/1.0 400 Bad Request",
        b"Client sent an HTTP request to an HTTPS server.\n",
    )
    running.stop()


def test_authorities_make_client_certificates_required(daemon: MakeDaemon, authority: Authority) -> None:
    with_authorities = settings(authority, certificate_authorities=str(authority.authorities))
    running = started(daemon(with_authorities), authority, own=True)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        get(running, authority.client_context())
    running.stop()
    optional = daemon({**with_authorities, "apm-server.ssl.client_authentication": "optional"})
    started(optional, authority)
    assert get(optional, authority.client_context(own=True)) == 200
    optional.stop()


def test_check_36_changed_files_are_used_for_new_connections(daemon: MakeDaemon, authority: Authority) -> None:
    """Old connections live on; half of a new pair, and rubbish, change nothing; a successor has the newest."""
    running = started(daemon(settings(authority, **{"certificate_reload.reload_interval": "200ms"})), authority)

    def shown() -> str:
        with (
            socket.create_connection(("127.0.0.1", running.port), 10) as plain,
            authority.client_context().wrap_socket(plain, server_hostname="localhost") as client,
        ):
            return hashlib.sha256(client.getpeercert(binary_form=True) or b"").hexdigest()

    first = shown()
    old = http.client.HTTPSConnection("localhost", running.port, context=authority.client_context())
    old.request("GET", "/")
    assert old.getresponse().read()
    kept = old.sock
    authority.renew()
    wait_until(lambda: shown() != first, "the new certificate is shown", 10, running.output)
    second = shown()
    good = authority.key.read_bytes()
    authority.key.write_text("rubbish")
    wait_until(lambda: "stay in use" in running.output(), "rubbish is complained about", 10, running.output)
    assert shown() == second
    assert "rubbish" not in running.output()
    authority.key.write_bytes(good)
    authority.renew()
    wait_until(lambda: shown() not in (first, second), "the third certificate is shown", 10, running.output)
    third = shown()
    old.request("GET", "/")
    assert old.getresponse().status == 200
    assert old.sock is kept, "the same connection, all the time"
    old.close()
    running.kill_child("acceptor")

    def back() -> bool:
        try:
            return shown() == third
        except OSError:
            return False

    wait_until(back, "its successor shows the third", 15, running.output)
    running.stop()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("certificate", "apm-server.ssl.certificate: "),
        ("key", "apm-server.ssl.key: "),
    ],
)
def test_files_that_cannot_be_used_are_a_start_error(
    daemon: MakeDaemon, authority: Authority, change: str, words: str
) -> None:
    wanted = settings(authority)
    Path(str(wanted[f"apm-server.ssl.{change}"])).write_text("rubbish")
    running = daemon(wanted)
    running.launch()
    assert running.wait_exit() == 1
    running.assert_nothing_left()
    assert words in running.output()
    assert "Traceback" not in running.output()


class OverSocket(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


def over_socket(path: Path, method: str, target: str, body: bytes | None = None) -> int:
    connection = OverSocket(path)
    try:
        connection.request(method, target, body, {"Content-Type": "application/x-ndjson"} if body else {})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_unix_socket_is_served_and_removed_at_the_end(daemon: MakeDaemon) -> None:
    running = daemon(dict(LOCAL))
    path = running.data.parent / "intake.sock"
    running.settings["apm-server.host"] = f"unix:{path}"
    running.launch()
    wait_until(lambda: path.exists() and "serving on unix:" in running.output(), "it serves", 30, running.output)
    assert over_socket(path, "GET", "/") == 200
    assert over_socket(path, "POST", "/intake/v2/events", EVENTS) == 202
    second = daemon({**LOCAL, "apm-server.host": f"unix:{path}"})
    second.launch()
    assert second.wait_exit() == 1
    assert "already in use" in second.output()
    assert over_socket(path, "GET", "/") == 200
    running.kill_everything()
    assert path.exists(), "nobody could remove it"
    running.launch()
    wait_until(lambda: running.output().count("serving on unix:") == 2, "it serves again", 30, running.output)
    assert over_socket(path, "GET", "/") == 200
    send_signal(running.supervisor, signal.SIGTERM)
    assert running.wait_exit() == 0
    assert not path.exists()
    assert not os.path.lexists(path)
