"""What is seen of files, certificates and the kernel."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from settings_loading import Loading
from tidegate.cli.exposed.certificate_dates import ends, ends_der
from tidegate.cli.exposed.machine_facts import expiries, holds_secrets, look, open_files
from tls_authority import Authority

LOCAL = "output.local.enabled: true\n"
KEY_BLOCK = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("mode", "ways"),
    [
        (0o600, None),
        (0o640, (True, False, False)),
        (0o644, (True, True, False)),
        (0o604, (False, True, False)),
        (0o660, (True, False, True)),
        (0o602, (False, False, True)),
    ],
)
def test_modes(tmp_path: Path, mode: int, ways: tuple[bool, bool, bool] | None) -> None:
    data = tmp_path / "data"
    data.mkdir(0o700)
    settings = Loading(tmp_path)(f"apm-server.auth.secret_token: a-token-in-the-file\npath.data: {data}\n{LOCAL}")
    assert settings.source is not None
    settings.source.chmod(mode)
    found = [(one.group, one.others, one.writable) for one in open_files(settings)]
    assert found == ([] if ways is None else [ways])


def test_folder_environment_and_keys(tmp_path: Path) -> None:
    data, key = tmp_path / "data", tmp_path / "key.pem"
    data.mkdir()
    data.chmod(0o711)
    handed_over = tmp_path / "credentials" / "SECRET_TOKEN"
    handed_over.parent.mkdir()
    for path in (key, tmp_path / "tidegate.env", tmp_path / "apm-server.keystore", handed_over):
        path.write_text("secret")
        path.chmod(0o644)
    tls = f"apm-server.ssl: {{certificate: c.pem, key: {key}}}\n"
    found = {one.path: one for one in open_files(Loading(tmp_path)(f"path.data: {data}\n{tls}{LOCAL}"))}
    names = {"tidegate.env", "apm-server.keystore", "credentials/SECRET_TOKEN"}
    assert set(found) == {str(data), str(key), *(str(tmp_path / name) for name in names)}
    assert all(one.others for one in found.values())
    assert found[str(key)].key == "apm-server.ssl.key"


@pytest.mark.parametrize(("mode", "found"), [(0o600, []), (0o660, []), (0o666, [True])])
def test_the_socket_for_clients(tmp_path: Path, mode: int, found: list[bool]) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(mode)
        settings = Loading(tmp_path)(f"apm-server.host: unix:{path}\npath.data: {tmp_path}/data\n{LOCAL}")
        assert [one.writable for one in open_files(settings) if one.is_socket and one.writable] == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apm-server.auth.secret_token: in-the-file", True),
        ("apm-server.auth.secret_token: ${TOKEN}", False),
        ("tidegate.auth.secret_tokens: [{token: in-the-file}, '${TOKEN}']", True),
        ("tidegate.auth.secret_tokens: ['${TOKEN}']", False),
        ("apm-server.ssl: {certificate: c, key: '" + KEY_BLOCK.replace("\n", "\\n") + "'}", True),
        ("apm-server.ssl: {certificate: c, key: /etc/tidegate/key.pem}", False),
        (f"apm-server.ssl:\n  certificate: c\n  key: |\n    {KEY_BLOCK.replace(chr(10), chr(10) + '    ')}", True),
        ("apm-server.auth.secret_token: ''", False),
    ],
)
def test_secrets_in_the_file_itself(tmp_path: Path, text: str, expected: bool) -> None:
    settings = Loading(tmp_path)(f"{text}\n{LOCAL}", environ={"TOKEN": "from-elsewhere"})
    assert settings.source is not None
    assert holds_secrets(settings, settings.source) is expected


def test_when_certificates_end(tmp_path: Path) -> None:
    ends_at = datetime(2051, 2, 3, 4, 5, 6, tzinfo=UTC)
    certificate = trustme.CA().issue_cert("localhost", not_after=ends_at.replace(tzinfo=None))
    pem = certificate.cert_chain_pems[0].bytes().decode()
    assert ends(f"some words before\n{pem}") == ends_at
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=10)
    near = trustme.CA().issue_cert("localhost", not_after=soon.replace(tzinfo=None)).cert_chain_pems[0].bytes().decode()
    (tmp_path / "c.pem").write_text(near)
    settings = Loading(tmp_path)(f"apm-server.ssl: {{certificate: {tmp_path}/c.pem, key: k.pem}}\n{LOCAL}")
    (found,) = expiries(settings, soon - timedelta(days=3))
    assert (found.path, found.days) == (f"{tmp_path}/c.pem", 3.0)
    absent = Loading(tmp_path)(f"apm-server.ssl: {{certificate: /nowhere, key: k.pem}}\n{LOCAL}")
    assert list(expiries(absent, soon)) == []


def test_certificates_that_are_none(tmp_path: Path) -> None:
    der = ssl.PEM_cert_to_DER_cert(Authority(tmp_path).certificate.read_text())
    ends_der(der)
    for size in range(300):
        with pytest.raises(ValueError):
            ends_der(der[:size])
    with pytest.raises(ValueError, match="no certificate"):
        ends("nothing")


def test_this_machine(tmp_path: Path) -> None:
    seen = look(Loading(tmp_path)(LOCAL))
    assert seen.room > 0
    assert seen.landlock >= 0
