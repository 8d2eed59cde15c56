"""Whose request it is (intake-to-documents.md 1.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.h1.client_address import ClientAddress, client_address, peer_address
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.daemon.settings.parts import ForwardingPart

ANYBODY = ForwardingPart(("all",), from_right=False)
PEER = ClientAddress("192.0.2.1", 5555, False)


def head_of(*headers: tuple[bytes, bytes]) -> RequestHead:
    return RequestHead(b"POST", b"/", headers)


def found(ip: str, port: int = 0) -> ClientAddress:
    return ClientAddress(ip, port, True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, PEER),
        ({b"x-forwarded-for": b"203.0.113.7"}, found("203.0.113.7")),
        ({b"x-forwarded-for": b" 203.0.113.7 , 10.0.0.1"}, found("203.0.113.7")),
        ({b"x-forwarded-for": b"203.0.113.7:80"}, found("203.0.113.7", 80)),
        ({b"x-forwarded-for": b"unknown, 203.0.113.7"}, PEER),
        ({b"x-forwarded-for": b""}, PEER),
        ({b"x-real-ip": b"203.0.113.7"}, found("203.0.113.7")),
        ({b"x-real-ip": b"203.0.113.7, 10.0.0.1"}, PEER),
        ({b"x-real-ip": b"_hidden", b"x-forwarded-for": b"203.0.113.7"}, found("203.0.113.7")),
        ({b"x-real-ip": b"203.0.113.8", b"x-forwarded-for": b"203.0.113.7"}, found("203.0.113.8")),
        ({b"forwarded": b"for=203.0.113.9", b"x-real-ip": b"203.0.113.8"}, found("203.0.113.9")),
        ({b"forwarded": b"proto=http; For=203.0.113.9;by=x, for=1.2.3.4"}, found("203.0.113.9")),
        ({b"forwarded": b"for=203.0.113.9;for=203.0.113.10"}, found("203.0.113.10")),
        ({b"forwarded": b'for="[2001:DB8::1]:4711"'}, found("2001:db8::1", 4711)),
        ({b"forwarded": b'for="203.0.113.9'}, PEER),
        ({b"forwarded": b"for=[2001:db8::1]"}, PEER),
        ({b"x-real-ip": b"2001:db8:0:0:0:0:0:1"}, found("2001:db8::1")),
        ({b"x-real-ip": b"fe80::1%eth0"}, found("fe80::1")),
        ({b"x-real-ip": b"::ffff:1.2.3.4"}, PEER),
        ({b"x-real-ip": b"::ffff:102:304"}, found("::ffff:1.2.3.4")),
        ({b"x-real-ip": b"1.2.3.4:"}, PEER),
        ({b"x-real-ip": b"1.2.3.4:65536"}, PEER),
        ({b"x-real-ip": b"[1.2.3.4]:80"}, PEER),
        ({b"x-real-ip": b"1.2.3.04"}, PEER),
        ({b"x-real-ip": b"example.com"}, PEER),
        ({b"x-real-ip": b"\xff\xfe"}, PEER),
    ],
)
def test_addresses(headers: dict[bytes, bytes], expected: ClientAddress) -> None:
    assert client_address(head_of(*headers.items()), PEER.ip, PEER.port, ANYBODY) == expected


@given(st.binary(), st.binary(), st.binary())
def test_headers_of_any_kind_give_an_address(forwarded: bytes, real: bytes, others: bytes) -> None:
    headers = {b"forwarded": forwarded, b"x-real-ip": real, b"x-forwarded-for": others}
    assert client_address(head_of(*headers.items()), PEER.ip, PEER.port, ANYBODY).ip
    right = ForwardingPart(("all",), from_right=True)
    assert client_address(head_of(*headers.items()), PEER.ip, PEER.port, right).ip


@pytest.mark.parametrize(
    ("peer", "trusted", "believed"),
    [
        ("192.0.2.1", (), False),
        ("127.0.0.1", (), False),
        ("192.0.2.1", ("all",), True),
        ("192.0.2.1", ("private",), False),
        ("127.0.0.1", ("private",), True),
        ("::1", ("private",), True),
        ("172.31.0.1", ("private",), True),
        ("172.32.0.1", ("private",), False),
        ("fd00::1", ("private",), True),
        ("::ffff:10.0.0.1", ("private",), True),
        ("192.0.2.1", ("192.0.2.0/24",), True),
        ("192.0.3.1", ("192.0.2.0/24", "192.0.3.1"), True),
        ("2001:db8::9", ("192.0.2.0/24", "2001:db8::/64"), True),
        ("", ("private",), True),
        ("", ("192.0.2.0/24",), False),
    ],
)
def test_check_22_only_trusted_proxies_are_believed(peer: str, trusted: tuple[str, ...], believed: bool) -> None:
    for name in (b"x-forwarded-for", b"x-real-ip"):
        client = client_address(head_of((name, b"203.0.113.7")), peer, 1, ForwardingPart(trusted, from_right=False))
        assert client == (found("203.0.113.7") if believed else ClientAddress(peer, 1, False))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["1.2.3.4, 203.0.113.7"], "203.0.113.7"),
        (["1.2.3.4, 203.0.113.7, 10.0.0.2, 10.0.0.3"], "203.0.113.7"),
        (["1.2.3.4", "203.0.113.7"], "203.0.113.7"),
        (["1.2.3.4", "203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        (["1.2.3.4, unknown, 10.0.0.2"], "10.0.0.2"),
        (["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        (["nonsense"], "10.0.0.1"),
        ([",".join(["1.2.3.4"] * 100_000)], "1.2.3.4"),
    ],
)
def test_check_22_what_a_client_writes_itself_does_not_count_from_the_right(lines: list[str], expected: str) -> None:
    head = head_of(
        *((b"x-forwarded-for", line.encode()) for line in lines),
        (b"x-real-ip", b"5.5.5.5"),
        (b"forwarded", b"for=6.6.6.6"),
    )
    forwarding = ForwardingPart(("10.0.0.0/8",), from_right=True)
    assert client_address(head, "10.0.0.1", 1, forwarding).ip == expected
    assert client_address(head, "192.0.2.1", 1, forwarding).ip == "192.0.2.1"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (("192.0.2.1", 80), ("192.0.2.1", 80)),
        (("::ffff:192.0.2.1", 80, 0, 0), ("192.0.2.1", 80)),
        (("fe80::1%eth0", 80, 0, 2), ("fe80::1", 80)),
        ("", ("", 0)),
        (None, ("", 0)),
    ],
)
def test_peers(name: object, expected: tuple[str, int]) -> None:
    assert peer_address(name) == expected
