"""From certificates and policy to OpenSSL's context. Opens no file: an acceptor has none that it may open."""

from __future__ import annotations

import os
import ssl
import warnings
from contextlib import suppress

from tidegate.daemon.errors import StartError
from tidegate.daemon.settings.parts import CertificatesPart, TlsServerPart

_VERSIONS = {
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
_CLIENTS = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}

SUITES = ":".join(
    f"ECDHE-{kind}-{suite}"
    for suite in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    for kind in ("ECDSA", "RSA")
)
"""For TLS 1.2: Mozilla's intermediate profile 5.7, without finite-field Diffie-Hellman, which no agent needs."""
_SUITES_OF_1_1 = ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:@SECLEVEL=0"
"""TLS 1.1 signs with SHA-1, which OpenSSL allows at its lowest level only."""


class CertificateError(StartError):
    """Certificates that cannot be used; the text names the setting, and never holds key material."""


def make_context(part: TlsServerPart, certificates: CertificatesPart) -> ssl.SSLContext:
    """The context for connections of agents (http-surface.md 7.5). Raises CertificateError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        # TLS 1.1 is there only because somebody asked for it by name, and was told then.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[part.minimum_version]
        context.maximum_version = _VERSIONS[part.maximum_version]
    # A client that renegotiates costs us a handshake each time, at no cost of its own.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_CIPHER_SERVER_PREFERENCE
    suites = part.cipher_suites or SUITES
    try:
        context.set_ciphers(suites + _SUITES_OF_1_1 if part.minimum_version == "TLSv1.1" else suites)
    except ssl.SSLError as problem:
        raise CertificateError(f"apm-server.ssl.cipher_suites: OpenSSL knows none of them: {part.cipher_suites}") from (
            problem
        )
    if part.curve:
        try:
            context.set_ecdh_curve(part.curve)
        except ValueError as problem:
            raise CertificateError(f"apm-server.ssl.curve_types: OpenSSL does not know {part.curve}") from problem
    context.set_alpn_protocols(["http/1.1"])
    _load_certificate(context, certificates)
    context.verify_mode = _CLIENTS[part.client_authentication]
    if part.client_authentication != "none":
        try:
            context.load_verify_locations(cadata=certificates.authorities)
        except (ssl.SSLError, ValueError) as problem:
            raise CertificateError(
                f"apm-server.ssl.certificate_authorities: cannot be read: {_reason(problem)}"
            ) from problem
    return context


def _load_certificate(context: ssl.SSLContext, certificates: CertificatesPart) -> None:
    """OpenSSL's binding takes paths only; these are memory files, so that the key never touches a disk."""
    chain = _memory_file(certificates.certificate)
    key = _memory_file(certificates.key)
    try:
        # A function, or OpenSSL would ask the terminal where a passphrase is missing.
        context.load_cert_chain(f"/proc/self/fd/{chain}", f"/proc/self/fd/{key}", certificates.key_passphrase.encode)
    except (ssl.SSLError, ValueError) as problem:
        raise CertificateError(_what_is_wrong(problem, certificates)) from problem
    finally:
        for descriptor in (chain, key):
            os.ftruncate(descriptor, 0)
            os.close(descriptor)


def _memory_file(text: str) -> int:
    descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
    left = text.encode()
    while left:
        left = left[os.write(descriptor, left) :]
    return descriptor


def _what_is_wrong(problem: Exception, certificates: CertificatesPart) -> str:
    reason = _reason(problem)
    if reason == "KEY_VALUES_MISMATCH":
        return "apm-server.ssl.key: is not the key of apm-server.ssl.certificate"
    with suppress(ValueError, ssl.SSLError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates.certificate)
        if "ENCRYPTED" in certificates.key:
            return "apm-server.ssl.key: is encrypted, and apm-server.ssl.key_passphrase does not open it"
        if reason in ("EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"):
            return f"apm-server.ssl.certificate: is too weak for OpenSSL here ({reason})"
        return f"apm-server.ssl.key: cannot be read: {reason}"
    return f"apm-server.ssl.certificate: cannot be read: {reason}"


def _reason(problem: Exception) -> str:
    """OpenSSL's word for it; its whole text names places in its source."""
    return getattr(problem, "reason", None) or "no PEM in it"
