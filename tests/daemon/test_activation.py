"""Sockets from systemd against the settings; in processes of their own where descriptors 3 and up matter."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from e2e.activation import passing
from tidegate.daemon.activation import Place, check, passed_sockets, place_of
from tidegate.daemon.errors import EXIT_SETTINGS, UnfitError
from tidegate.daemon.settings.address import listen_address

LOOPBACK, EVERY4, EVERY6 = Place("127.0.0.1", 8200), Place("0.0.0.0", 8200), Place("::", 8200)
BOTH = EVERY6._replace(both=True)
PATH = Place("", 0, "/run/intake.sock")

FITTING = [
    ("127.0.0.1:8200", [LOOPBACK]),
    ("127.0.0.1:8200", [LOOPBACK, LOOPBACK]),
    ("localhost:8200", [LOOPBACK]),
    (":8200", [EVERY4, EVERY6]),
    (":8200", [EVERY4]),
    (":8200", [BOTH]),
    ("[::]:8200", [EVERY6]),
    ("unix:/run/intake.sock", [PATH]),
]
DIFFERENT = [
    (
        "127.0.0.1:8200",
        [Place("127.0.0.1", 8201)],
        r"socket on 127\.0\.0\.1:8201, but apm-server\.host is 127\.0\.0\.1:8200",
    ),
    ("127.0.0.1:8200", [LOOPBACK, Place("127.0.0.1", 8201)], "8201"),
    ("127.0.0.1:8200", [EVERY4], r"0\.0\.0\.0:8200"),
    ("127.0.0.1:8200", [], "on nothing only"),
    (":8200", [EVERY6], r"apm-server\.host is :8200, but systemd passed sockets on \[::\]:8200 only"),
    ("[::]:8200", [BOTH], "for IPv4 and IPv6"),
    ("unix:/run/other.sock", [PATH], "unix:/run/intake.sock"),
    ("127.0.0.1:8200", [PATH], "unix:/run/intake.sock"),
    ("no-such-host.invalid:8200", [LOOPBACK], "no-such-host"),
]


@pytest.mark.parametrize(("host", "passed"), FITTING)
def test_what_fits(host: str, passed: list[Place]) -> None:
    check(passed, [listen_address(host)])


@pytest.mark.parametrize(("host", "passed", "words"), DIFFERENT)
def test_what_differs_is_an_error_that_no_restart_mends(host: str, passed: list[Place], words: str) -> None:
    with pytest.raises(UnfitError, match=words) as caught:
        check(passed, [listen_address(host)])
    assert caught.value.exit_code == EXIT_SETTINGS


def test_places_of_real_sockets(tmp_path: Path) -> None:
    with ExitStack() as stack:
        tcp, both, unix = (
            stack.enter_context(socket.socket(family)) for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)
        )
        tcp.bind(("127.0.0.1", 0))
        assert place_of(tcp) == Place("127.0.0.1", tcp.getsockname()[1])
        both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        both.bind(("::", 0))
        assert place_of(both) == Place("::", both.getsockname()[1], both=True)
        unix.bind(str(tmp_path / "socket"))
        assert place_of(unix) == Place("", 0, str(tmp_path / "socket"))


@pytest.mark.parametrize("pid", ["", "1"])
def test_sockets_for_another_process_are_not_taken(pid: str) -> None:
    assert passed_sockets({"LISTEN_PID": pid, "LISTEN_FDS": "1"}) == []


@pytest.mark.parametrize("number", ["", "x", "65", "-1"])
def test_a_number_that_is_none(number: str) -> None:
    with pytest.raises(UnfitError, match="LISTEN_FDS"):
        passed_sockets({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": number})


_TAKE = """
import os
from tidegate.daemon.activation import passed_sockets, place_of
from tidegate.daemon.errors import UnfitError
try:
    print(place_of(passed_sockets(os.environ)[0]))
except UnfitError as problem:
    print(problem)
"""


@pytest.mark.parametrize("listens", [True, False])
def test_descriptor_three_is_taken_if_it_listens(listens: bool) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        if listens:
            sock.listen()
        said = subprocess.run(
            [*passing(sock), sys.executable, "-c", _TAKE],
            pass_fds=[sock.fileno()],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()
        expected = (
            f"127.0.0.1:{sock.getsockname()[1]}" if listens else "descriptor 3 that systemd passed is no listening"
        )
    assert said.startswith(expected)
