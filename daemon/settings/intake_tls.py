"""From the keys of `apm-server.ssl` to what a listener needs: policy, and where certificates come from."""

from __future__ import annotations

from typing import NamedTuple

from tidegate.daemon.settings import auth, server, tls_section
from tidegate.daemon.settings.draft import Draft
from tidegate.daemon.settings.parts import TlsServerPart
from tidegate.daemon.settings.values import Values

VERSIONS = ("TLSv1.1", "TLSv1.2", "TLSv1.3")
"""The lowest first."""
_CURVES = {"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1", "X25519": "X25519"}
_BROKEN = ("RC4", "3DES")
"""Ciphers that the original still knows by name."""


class CertificateSource(NamedTuple):
    """Where certificates come from: paths, or PEM text."""

    certificate: str
    key: str
    key_passphrase: str
    authorities: tuple[str, ...]
    reload_interval: float
    """Seconds between two looks at the files; 0: they are read once."""


def is_pem(text: str) -> bool:
    """Whether it is the thing itself, and not the path of a file."""
    return "-----BEGIN " in text


def source(values: Values) -> CertificateSource:
    """Where to read."""
    return CertificateSource(
        certificate=values[tls_section.CERTIFICATE],
        key=values[tls_section.KEY],
        key_passphrase=values[tls_section.KEY_PASSPHRASE],
        authorities=values[tls_section.CERTIFICATE_AUTHORITIES] if client_authentication(values) != "none" else (),
        reload_interval=values[tls_section.RELOAD_INTERVAL] if values[tls_section.RELOAD_ENABLED] else 0.0,
    )


def client_authentication(values: Values) -> str:
    """none, optional or required: what is given, else `required` as soon as there are authorities."""
    if tls_section.CLIENT_AUTHENTICATION in values:
        return values[tls_section.CLIENT_AUTHENTICATION]
    return "required" if values[tls_section.CERTIFICATE_AUTHORITIES] else "none"


def policy(values: Values) -> TlsServerPart:
    """How to speak. Raises ValueError for cipher suites that have no name in OpenSSL."""
    versions = sorted(values[tls_section.SUPPORTED_PROTOCOLS], key=VERSIONS.index) or ["TLSv1.2", "TLSv1.3"]
    curves = values[tls_section.CURVE_TYPES]
    return TlsServerPart(
        client_authentication=client_authentication(values),
        minimum_version=versions[0],
        maximum_version=versions[-1],
        cipher_suites=_suites(values[tls_section.CIPHER_SUITES]),
        curve=_CURVES.get(curves[0], "") if len(curves) == 1 else "",
    )


def _suites(names: tuple[str, ...]) -> str:
    """In OpenSSL's words: `AES-128` is one word there; names of TLS 1.3 (`TLS-…`) choose nothing, as in the original."""
    found = []
    for name in names:
        if any(word in name for word in _BROKEN):
            raise ValueError(f"{name[:40]} is broken and not offered: leave it out")
        if not name.isascii() or not all(character.isalnum() or character in "-_" for character in name):
            raise ValueError("wants names such as ECDHE-RSA-AES-128-GCM-SHA256")
        if name.startswith("TLS"):
            continue
        words = name.replace("AES-128", "AES128").replace("AES-256", "AES256").replace("-CBC-", "-")
        # Without elliptic curves OpenSSL leaves the key exchange out of the name.
        found.append(words.removeprefix("RSA-").replace("CHACHA20-POLY1205", "CHACHA20-POLY1305"))
    return ":".join(found)


def check(draft: Draft) -> None:
    """Notes every mistake in the section, if it is on; if not, that tokens can be read on the way."""
    if not draft.is_on(tls_section.SWITCH):
        tokens = draft.values[auth.SECRET_TOKEN] or draft.values[auth.SECRET_TOKENS]
        # What stays on this machine nobody else can read; the original says it there, too.
        if tokens and not draft.values[server.HOST].is_loopback():
            draft.warnings.append(
                f"{draft.origin(auth.SECRET_TOKEN)}: {auth.SECRET_TOKEN.key}: Secret token is set, but SSL is not enabled. "
                "Whoever is on the way can read it, unless a proxy in front of Tidegate ends TLS"
            )
        return
    values = draft.values
    if not values[tls_section.CERTIFICATE]:
        draft.problem(tls_section.ENABLED, "certificate file not configured (`apm-server.ssl.certificate`)")
    elif not values[tls_section.KEY]:
        draft.problem(tls_section.CERTIFICATE, "key file not configured (`apm-server.ssl.key`)")
    versions_known = True
    for version in values[tls_section.SUPPORTED_PROTOCOLS]:
        if version not in VERSIONS:
            versions_known = False
            draft.problem(
                tls_section.SUPPORTED_PROTOCOLS,
                f"unsupported tls version: {version[:20]} (there are {', '.join(VERSIONS)})",
            )
    if versions_known:
        try:
            policy(values)
        except ValueError as problem:
            draft.problem(tls_section.CIPHER_SUITES, str(problem))
    if client_authentication(values) != "none":
        if not values[tls_section.CERTIFICATE_AUTHORITIES]:
            draft.problem(
                tls_section.CLIENT_AUTHENTICATION,
                "needs `apm-server.ssl.certificate_authorities`: without them any authority of the world could let "
                "clients in",
            )
        if values[tls_section.VERIFICATION_MODE] == "none":
            draft.problem(
                tls_section.VERIFICATION_MODE,
                "a client certificate that is not checked keeps nobody out: leave this key out, or set "
                "`client_authentication: none`",
            )
    if VERSIONS[0] in values[tls_section.SUPPORTED_PROTOCOLS]:
        draft.warnings.append(
            f"{draft.origin(tls_section.SUPPORTED_PROTOCOLS)}: {tls_section.SUPPORTED_PROTOCOLS.key}: {VERSIONS[0]} is weak "
            "(RFC 8996); every agent of the last ten years speaks a later version"
        )
    curves = values[tls_section.CURVE_TYPES]
    if curves and not (len(curves) == 1 and curves[0] in _CURVES):
        draft.warnings.append(
            f"{draft.origin(tls_section.CURVE_TYPES)}: {tls_section.CURVE_TYPES.key}: OpenSSL's default choice is used: "
            f"Python can name one curve, of {', '.join(_CURVES)}"
        )
