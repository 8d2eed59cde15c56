"""Certificates as files: read, tried out, and looked at again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tidegate.daemon.settings.intake_tls import CertificateSource
from tidegate.daemon.tls.context import CertificateError
from tidegate.daemon.tls.files import LARGEST, CertificateFiles
from tls_authority import POLICY, Authority


def files_of(authority: Authority) -> CertificateFiles:
    return CertificateFiles(
        CertificateSource(str(authority.certificate), str(authority.key), "", (str(authority.authorities),), 5.0),
        POLICY,
    )


def test_what_the_files_hold_is_read_again_when_they_change(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = files_of(authority)
    before = files.read()
    assert before == authority.part()
    assert not files.changed()
    authority.renew()
    assert files.changed()
    assert files.read() == authority.part() != before
    assert not files.changed()


def test_half_of_a_new_pair_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = files_of(authority)
    files.read()
    old = authority.key.read_bytes()
    authority.renew()
    authority.key.write_bytes(old)
    with pytest.raises(CertificateError, match="is not the key"):
        files.read()


def test_pem_text_needs_no_file_and_never_changes(tmp_path: Path) -> None:
    part = Authority(tmp_path).part()
    files = CertificateFiles(CertificateSource(part.certificate, part.key, "", (part.authorities,), 5.0), POLICY)
    assert files.read() == part
    assert not files.changed()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = files_of(authority)
    authority.key.unlink()
    with pytest.raises(CertificateError, match=r"apm-server\.ssl\.key: .*key\.pem cannot be read: No such file"):
        files.read()
    authority.key.write_bytes(b"x" * (LARGEST + 1))
    assert files.changed()
    with pytest.raises(CertificateError, match="larger than 1 MiB"):
        files.read()
