"""Certificates for tests: an authority that nobody trusts otherwise, and what it issues, as files."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path

import trustme
from tidegate.daemon.settings.parts import CertificatesPart, TlsServerPart

POLICY = TlsServerPart("none", "TLSv1.2", "TLSv1.3", "", "")


class Authority:
    """An authority with a server's certificate in `folder`; `renew` replaces it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca = trustme.CA()
        self.certificate = folder / "certificate.pem"
        self.key = folder / "key.pem"
        self.authorities = folder / "authorities.pem"
        self.client = folder / "client.pem"
        self.authorities.write_bytes(self.ca.cert_pem.bytes())
        self.client.write_bytes(self.ca.issue_cert("client@example.org").private_key_and_cert_chain_pem.bytes())
        self.renew()

    def renew(self) -> None:
        """Another certificate and key, in one step each, as tools that renew certificates do."""
        issued = self.ca.issue_cert("localhost", "127.0.0.1")
        _replace(self.certificate, b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        _replace(self.key, issued.private_key_pem.bytes())

    def part(self) -> CertificatesPart:
        """As an acceptor gets them."""
        return CertificatesPart(self.certificate.read_text(), self.key.read_text(), "", self.authorities.read_text())

    def client_context(self, version: ssl.TLSVersion | None = None, *, own: bool = False) -> ssl.SSLContext:
        """A client that trusts this authority; with `own` it shows a certificate."""
        context = ssl.create_default_context(cafile=str(self.authorities))
        if version is not None:
            if version is ssl.TLSVersion.TLSv1_1:
                context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
        if own:
            context.load_cert_chain(self.client)
        return context


def _replace(file: Path, content: bytes) -> None:
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)
