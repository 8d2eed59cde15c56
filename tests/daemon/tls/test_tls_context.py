"""From PEM text and policy to a context; what is wrong is said with its setting, and never with key material."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from tidegate.daemon.settings.parts import CertificatesPart
from tidegate.daemon.tls.context import SUITES, CertificateError, make_context
from tls_authority import POLICY, Authority


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> CertificatesPart:
    return Authority(tmp_path_factory.mktemp("authority")).part()


def test_the_default_is_mozillas_intermediate_profile(good: CertificatesPart) -> None:
    context = make_context(POLICY, good)
    assert (context.minimum_version, context.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    names = [suite["name"] for suite in context.get_ciphers()]
    assert {name for name in names if not name.startswith("TLS_")} == set(SUITES.split(":"))
    assert all(suite["aead"] for suite in context.get_ciphers())
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cipher_suites": "NO-SUCH-SUITE"}, "apm-server.ssl.cipher_suites"),
        ({"curve": "no-such-curve"}, "apm-server.ssl.curve_types"),
    ],
)
def test_a_policy_that_openssl_does_not_know(good: CertificatesPart, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CertificateError, match=words):
        make_context(msgspec.structs.replace(POLICY, **changes), good)


def test_what_is_chosen_is_used(good: CertificatesPart) -> None:
    policy = msgspec.structs.replace(POLICY, cipher_suites="ECDHE-RSA-AES256-GCM-SHA384", curve="X25519")
    names = [suite["name"] for suite in make_context(policy, good).get_ciphers()]
    assert [name for name in names if not name.startswith("TLS_")] == ["ECDHE-RSA-AES256-GCM-SHA384"]


def encrypted(good: CertificatesPart, passphrase: str) -> CertificatesPart:
    key = load_pem_private_key(good.key.encode(), None)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"opensesame"))
    return msgspec.structs.replace(good, key=secret.decode(), key_passphrase=passphrase)


def test_an_encrypted_key_is_opened_by_its_passphrase(good: CertificatesPart) -> None:
    make_context(POLICY, encrypted(good, "opensesame"))


def test_what_is_wrong_is_said_with_its_setting(good: CertificatesPart, tmp_path: Path) -> None:
    other = Authority(tmp_path).part()
    required = msgspec.structs.replace(POLICY, client_authentication="required")
    wrong = [
        (POLICY, encrypted(good, ""), "apm-server.ssl.key: is encrypted"),
        (POLICY, encrypted(good, "guessed"), "apm-server.ssl.key: is encrypted"),
        (POLICY, msgspec.structs.replace(good, key=other.key), "apm-server.ssl.key: is not the key"),
        (POLICY, msgspec.structs.replace(good, key="nonsense"), "apm-server.ssl.key: cannot be read"),
        (POLICY, msgspec.structs.replace(good, certificate="nonsense"), "apm-server.ssl.certificate: cannot be read"),
        (POLICY, msgspec.structs.replace(good, certificate=""), "apm-server.ssl.certificate: cannot be read"),
        (required, msgspec.structs.replace(good, authorities="x"), "apm-server.ssl.certificate_authorities"),
        (required, msgspec.structs.replace(good, authorities=""), "apm-server.ssl.certificate_authorities"),
    ]
    for policy, part, words in wrong:
        with pytest.raises(CertificateError, match=words) as caught:
            make_context(policy, part)
        assert not any(secret in str(caught.value) for secret in ("BEGIN", "opensesame", "guessed", "/proc"))


def test_a_chain_may_hold_more_than_the_certificate() -> None:
    ca = trustme.CA().create_child_ca()
    issued = ca.issue_cert("localhost")
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems).decode()
    assert chain.count("BEGIN") == 2
    make_context(POLICY, CertificatesPart(chain, issued.private_key_pem.bytes().decode(), "", ""))
