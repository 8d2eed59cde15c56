"""`apm-server.ssl.*`: TLS towards agents (http-surface.md 7.5)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.declare import Gate, Refused, Section, Warned

SECTION = Section("TLS towards agents", "Not built yet: a start that would speak plain HTTP instead is refused.")

_NOT_BUILT = Refused(
    "TLS towards agents is not built yet: starting would carry tokens and events in plain text. "
    "Let a reverse proxy (nginx, haproxy) end TLS in front of Tidegate, and remove the section"
)
_NO_EFFECT = Warned("TLS towards agents is not built yet")
SWITCH = Gate("apm-server.ssl.enabled")

ENABLED = SECTION.setting("apm-server.ssl.enabled", kinds.boolean, False, "Whether to speak TLS.", fate=_NOT_BUILT)
CERTIFICATE = SECTION.setting(
    "apm-server.ssl.certificate",
    kinds.text,
    "",
    "Certificate: a path or PEM text.",
    fate=_NOT_BUILT,
    gate=SWITCH,
)
KEY = SECTION.setting(
    "apm-server.ssl.key",
    kinds.text,
    "",
    "Its key: a path or PEM text.",
    fate=_NOT_BUILT,
    gate=SWITCH,
    secret=True,
)
SECTION.setting(
    "apm-server.ssl.key_passphrase",
    kinds.text,
    "",
    "Passphrase of the key.",
    fate=_NO_EFFECT,
    gate=SWITCH,
    secret=True,
)
SECTION.setting(
    "apm-server.ssl.certificate_authorities",
    kinds.texts,
    (),
    "Authorities of client certificates.",
    fate=_NOT_BUILT,
    gate=SWITCH,
)
SECTION.setting(
    "apm-server.ssl.client_authentication",
    kinds.choice("none", "optional", "required"),
    "none",
    "Whether clients show a certificate.",
    fate=_NOT_BUILT,
    gate=SWITCH,
    shown_default="`required` with authorities, else `none`",
)
SECTION.setting(
    "apm-server.ssl.verification_mode",
    kinds.choice("full", "strict", "certificate", "none"),
    "full",
    "How client certificates are checked.",
    fate=_NO_EFFECT,
    gate=SWITCH,
)
SUPPORTED_PROTOCOLS = SECTION.setting(
    "apm-server.ssl.supported_protocols",
    kinds.texts,
    ("TLSv1.2", "TLSv1.3"),
    "Versions of TLS.",
    fate=_NO_EFFECT,
    gate=SWITCH,
)
for _key, _help in (
    ("cipher_suites", "Cipher suites of TLS 1.2."),
    ("curve_types", "Curves."),
    ("ca_sha256", "Fingerprints that a chain must contain."),
):
    SECTION.setting(f"apm-server.ssl.{_key}", kinds.texts, (), _help, fate=_NO_EFFECT, gate=SWITCH)
SECTION.setting(
    "apm-server.ssl.certificate_reload.enabled",
    kinds.boolean,
    True,
    "Whether changed files are read again.",
    fate=_NO_EFFECT,
    gate=SWITCH,
)
SECTION.setting(
    "apm-server.ssl.certificate_reload.reload_interval",
    kinds.duration(),
    5.0,
    "How often.",
    fate=_NO_EFFECT,
    gate=SWITCH,
)
SECTION.group("apm-server.ssl", "Further keys, such as `renegotiation`.", _NO_EFFECT, SWITCH)
