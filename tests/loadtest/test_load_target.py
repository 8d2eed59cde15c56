"""Which servers may be loaded, and which process one is."""

from __future__ import annotations

import os
import socket

import pytest
from tidegate.loadtest.main import EXIT_USAGE, main
from tidegate.loadtest.target import TargetError, find_target
from tidegate.loadtest.usage import find_server, tree, use


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://127.0.0.1:8200", 8200), ("127.0.0.1", 8200), ("https://localhost", 443), ("http://[::1]:1234/", 1234)],
)
def test_this_machine_may_be_loaded(url: str, port: int) -> None:
    target = find_target(url, owned=False, authority=None, credential=None)
    assert target.port == port and (target.tls is not None) == url.startswith("https")


@pytest.mark.parametrize("url", ["http://192.0.2.1:8200", "http://[2001:db8::1]", "https://192.0.2.7"])
def test_others_only_when_the_user_says_they_are_his(url: str) -> None:
    with pytest.raises(TargetError, match="--i-own-this-target"):
        find_target(url, owned=False, authority=None, credential=None)
    assert find_target(url, owned=True, authority=None, credential="Bearer x").headers == (
        ("authorization", "Bearer x"),
    )


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "http://127.0.0.1/intake", "http://", "http://a:b@127.0.0.1", "http://127.0.0.1:x"]
)
def test_what_is_no_server_is_named(url: str) -> None:
    with pytest.raises(TargetError, match="no address of a server"):
        find_target(url, owned=True, authority=None, credential=None)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rate", "0"], ["--duration", "1000000"], ["--connections", "-1"], ["--rate", "5", "--profile", "slow"],
        ["--mix", "/nonexistent"], ["--compare", "/nonexistent", "/nonexistent"], ["http://192.0.2.1"],
        ["https://127.0.0.1", "--ca-file", "/nonexistent"],
    ],
)  # fmt: skip
def test_requests_without_sense_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == EXIT_USAGE
    assert capsys.readouterr().err.startswith("tidegate-load: ")


def test_a_listening_process_is_found() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert find_server(sock.getsockname()[1]) is None
        sock.listen()
        assert find_server(sock.getsockname()[1]) == os.getpid()
    assert os.getpid() in tree(os.getpid())
    assert use(os.getpid()).resident > 1 << 20
