"""Check 35 and what else comes to a TLS port: odd client certificates, records that are none, hellos without end.

Whatever it is, the others are served and nothing of it stays."""

from __future__ import annotations

import asyncio
import datetime
import os
import random
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from http_fakes import FakeCourier, make_part, new_tally
from tidegate.daemon.acceptor.app import Acceptor
from tidegate.daemon.tls.context import make_context
from tls_authority import POLICY, Authority

GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def serve(authority: Authority, clients: Callable[[int], None]) -> None:
    """An acceptor that asks for client certificates; `clients` gets its port, in a thread. Then a good client is served, and
    nothing is left."""

    async def scene() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        tls = msgspec.structs.replace(POLICY, client_authentication="required")
        part = make_part(tls=tls, certificates=authority.part())
        acceptor = Acceptor(part, FakeCourier(at_once=True), [listening], asyncio.get_running_loop(), None, new_tally())
        acceptor.start()
        port = listening.getsockname()[1]
        async with asyncio.timeout(60):
            await asyncio.to_thread(clients, port)
            answer = await asyncio.to_thread(talk, port, authority.client_context(own=True))
            assert answer.startswith(b"HTTP/1.1 200"), answer
            while acceptor._listener.connections or len(acceptor._handshakes):
                await asyncio.sleep(0.01)
        await acceptor.drain(1)

    asyncio.run(scene())


def talk(port: int, context: ssl.SSLContext) -> bytes:
    """The answer, or b"" for a client that is refused."""
    found = b""
    with (
        suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(GET)
        while piece := client.recv(65536):
            found += piece
    return found


def made(authority: Authority, folder: Path, kind: str) -> bytes:
    """Key and chain of an odd certificate, PEM."""
    if kind == "another authority":
        return trustme.CA().issue_cert("client@example.org").private_key_and_cert_chain_pem.bytes()
    if kind == "expired":
        return authority.ca.issue_cert("c@example.org", not_after=NOW - DAY).private_key_and_cert_chain_pem.bytes()
    if kind == "ten thousand names":
        names = [f"n{number}.example.org" for number in range(10_000)]
        return authority.ca.issue_cert(*names).private_key_and_cert_chain_pem.bytes()
    if kind == "a chain of eight":
        ca = authority.ca
        for _ in range(8):
            ca = ca.create_child_ca()
        return ca.issue_cert("c@example.org").private_key_and_cert_chain_pem.bytes()
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_key = serialization.load_pem_private_key(authority.ca.private_key_pem.bytes(), None)
    issuer = x509.load_pem_x509_certificate(authority.ca.cert_pem.bytes())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd\n\x1b[31m")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + DAY if kind == "not valid yet" else NOW - DAY)
        .not_valid_after(NOW + 10 * DAY)
    )
    if kind == "for servers only":
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=True)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    signer = ec.generate_private_key(ec.SECP256R1()) if kind == "a forged signature" else issuer_key
    certificate = builder.sign(signer, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem + certificate.public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_check_35_odd_certificates_are_refused(authority: Authority, tmp_path: Path, version: ssl.TLSVersion) -> None:
    odd = [
        "another authority",
        "expired",
        "ten thousand names",
        "a chain of eight",
        "not valid yet",
        "for servers only",
    ]
    odd.append("a forged signature")
    answers: dict[str, bytes] = {}

    def clients(port: int) -> None:
        for kind in odd:
            file = tmp_path / "odd.pem"
            file.write_bytes(made(authority, tmp_path, kind))
            context = authority.client_context(version)
            context.load_cert_chain(file)
            answers[kind] = talk(port, context)

    serve(authority, clients)
    # Valid, if unusual: the chain leads to the authority.
    allowed = {"a chain of eight"}
    assert {kind for kind, answer in answers.items() if answer} <= allowed, answers


def hello(authority: Authority) -> bytes:
    """The first flight of a client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = authority.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_check_34_records_of_any_kind_cost_nobody_anything(authority: Authority) -> None:
    dice = random.Random(34)
    first = hello(authority)
    flights = [first[:1], first[:5], first[: len(first) // 2], first + first, first + os.urandom(300), b"\x16" * 20_000]
    flights += [
        b"\x16\x03\x01\xff\xff" + bytes(70_000),
        b"\x16\x03\x01\x00\x00" * 4000,
        b"\x15\x03\x01\x00\x02\x01\x00",
    ]
    flights += [first[:at] + bytes([dice.randrange(256)]) + first[at + 1 :] for at in range(0, len(first), 7)]
    flights += [b"\x16\x03\x01" + dice.randbytes(dice.randrange(600)) for _ in range(60)]

    def clients(port: int) -> None:
        for flight in flights:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                client.sendall(flight)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass

    serve(authority, clients)


def test_a_client_cannot_renegotiate(authority: Authority) -> None:
    """Python's clients cannot try; OpenSSL refuses it by this option, in 1.3 there is none."""
    assert make_context(POLICY, authority.part()).options & ssl.OP_NO_RENEGOTIATION
