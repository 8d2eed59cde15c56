"""`apm-server.ssl.*` (http-surface.md 7.5): when it is on, what its defaults are, and what is refused."""

from __future__ import annotations

import pytest
from settings_loading import Loading
from tidegate.daemon.settings.parts import TlsServerPart

ES = "output.elasticsearch.hosts: [es]\n"
PAIR = "apm-server.ssl.certificate: /c\napm-server.ssl.key: /k\n"


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("", False),
        (PAIR, True),
        (PAIR + "apm-server.ssl.enabled: true", True),
        (PAIR + "apm-server.ssl.enabled: false", False),
        ("apm-server.ssl:", False),
    ],
)
def test_a_section_without_its_switch_is_on(loading: Loading, text: str, on: bool) -> None:
    settings = loading(ES + text)
    assert settings.tls is on
    assert (settings.certificate_source() is not None) is on
    assert (settings.acceptor_part().tls is not None) is on
    rows = {row.key: row.value for row in settings.describe()}
    assert rows["apm-server.ssl.enabled"] == ("true" if on else "false")


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", "none"),
        ("apm-server.ssl.certificate_authorities: [/a]", "required"),
        ("apm-server.ssl: {certificate_authorities: [/a], client_authentication: optional}", "optional"),
        ("apm-server.ssl: {certificate_authorities: [/a], client_authentication: none}", "none"),
    ],
)
def test_authorities_make_client_certificates_required(loading: Loading, text: str, asked: str) -> None:
    settings = loading(ES + PAIR + text)
    part, source = settings.acceptor_part().tls, settings.certificate_source()
    assert part is not None and source is not None
    assert part.client_authentication == asked
    assert source.authorities == (() if asked == "none" else ("/a",))


def test_the_policy(loading: Loading) -> None:
    assert loading(ES + PAIR).acceptor_part().tls == TlsServerPart("none", "TLSv1.2", "TLSv1.3", "", "")
    chosen = loading(
        ES
        + PAIR
        + "apm-server.ssl: {supported_protocols: [TLSv1.3, TLSv1.1], curve_types: [P-384], cipher_suites: "
        + "[TLS-AES-128-GCM-SHA256, ECDHE-RSA-AES-128-CBC-SHA256, RSA-AES-256-GCM-SHA384, ECDHE-ECDSA-CHACHA20-POLY1305]}"
    )
    assert chosen.acceptor_part().tls == TlsServerPart(
        "none",
        "TLSv1.1",
        "TLSv1.3",
        "ECDHE-RSA-AES128-SHA256:AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305",
        "secp384r1",
    )
    [warning] = chosen.warnings
    assert "TLSv1.1 is weak" in warning


@pytest.mark.parametrize(("text", "interval"), [("", 5.0), ("{reload_interval: 1m}", 60.0), ("{enabled: false}", 0.0)])
def test_reloading(loading: Loading, text: str, interval: float) -> None:
    given = f"apm-server.ssl.certificate_reload: {text}" if text else ""
    source = loading(ES + PAIR + given).certificate_source()
    assert source is not None
    assert source.reload_interval == interval


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("apm-server.ssl.enabled: true", "certificate file not configured"),
        ("apm-server.ssl.certificate: /c", "key file not configured"),
        (PAIR + "apm-server.ssl.supported_protocols: [TLSv1.0]", "unsupported tls version: TLSv1.0"),
        (PAIR + "apm-server.ssl.cipher_suites: [ECDHE-RSA-RC4-128-SHA]", "is broken and not offered"),
        (PAIR + "apm-server.ssl.cipher_suites: ['!aNULL:ALL']", "wants names such as"),
        (PAIR + "apm-server.ssl.client_authentication: required", "needs `apm-server.ssl.certificate_authorities`"),
        (
            PAIR + "apm-server.ssl: {certificate_authorities: [/a], verification_mode: none}",
            "not checked keeps nobody out",
        ),
        (PAIR + "apm-server.ssl.ca_sha256: [abc]", "fingerprints of authorities are not supported"),
        (PAIR + "apm-server.ssl.certificate_reload.reload_interval: 0", "at least 0.1s"),
    ],
)
def test_refused(loading: Loading, text: str, words: str) -> None:
    [problem] = loading.refused(ES + text)
    assert words in problem


def test_a_token_that_travels_in_plain_text_is_warned_of(loading: Loading) -> None:
    text = ES + "apm-server.host: ':8200'\napm-server.auth.secret_token: geheim\n"
    [warning] = loading(text).warnings
    assert "Secret token is set, but SSL is not enabled." in warning
    assert "geheim" not in warning
    assert loading(text + PAIR).warnings == ()
    assert loading(text, "apm-server.host=localhost").warnings == ()
    assert loading(text, "apm-server.host=unix:/run/intake.sock").warnings == ()


def test_curves_that_python_cannot_name_are_told(loading: Loading) -> None:
    for curves in ("[P-256, P-384]", "[X25519MLKEM768]"):
        [warning] = loading(ES + PAIR + f"apm-server.ssl.curve_types: {curves}").warnings
        assert "OpenSSL's default choice is used" in warning


def test_the_key_is_masked_and_no_file_name_of_it_goes_to_an_acceptor(loading: Loading) -> None:
    settings = loading(ES + "apm-server.ssl: {certificate: /c, key: geheim, key_passphrase: geheim}")
    assert "geheim" not in str(settings.describe())
    assert "geheim" not in str(settings.acceptor_part())


def test_an_acceptor_writes_no_log_file_where_the_data_is(loading: Loading) -> None:
    """It would have to be let into that folder."""
    files = "logging.to_files: true\nlogging.to_stderr: false\n"
    apart = loading(ES + files + "path.data: /var/lib/t\npath.logs: /var/log/t")
    assert apart.acceptor_part().logging.files == apart.logging_part().files is not None
    below = loading(ES + files + "path.data: /var/lib/t/data\npath.logs: /var/lib/t")
    assert below.acceptor_part().logging.files is None
    assert below.worker_part(0).logging.files is not None
