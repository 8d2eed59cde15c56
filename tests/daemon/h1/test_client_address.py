"""Whose request it is (intake-to-documents.md 1.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.h1.client_address import ClientAddress, client_address, peer_address

PEER = ClientAddress("192.0.2.1", 5555, False)


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
    assert client_address(headers, PEER.ip, PEER.port) == expected


@given(st.binary(), st.binary(), st.binary())
def test_headers_of_any_kind_give_an_address(forwarded: bytes, real: bytes, others: bytes) -> None:
    headers = {b"forwarded": forwarded, b"x-real-ip": real, b"x-forwarded-for": others}
    assert client_address(headers, PEER.ip, PEER.port).ip


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
