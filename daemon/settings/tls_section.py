"""`apm-server.ssl.*`: TLS towards agents (http-surface.md 7.5)."""

from __future__ import annotations

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.declare import Applies, Gate, Refused, Section, Warned

SECTION = Section(
    "TLS towards agents",
    "A section without `enabled` counts as on. Changed files are taken up while Tidegate runs, without losing a connection.",
    Applies.RELOAD,
)

SWITCH = Gate("apm-server.ssl.enabled")

ENABLED = SECTION.setting("apm-server.ssl.enabled", kinds.boolean, False, "Whether to speak TLS.")
CERTIFICATE = SECTION.setting(
    "apm-server.ssl.certificate",
    kinds.text,
    "",
    "Certificate, with its chain: a path or PEM text.",
    gate=SWITCH,
)
KEY = SECTION.setting(
    "apm-server.ssl.key",
    kinds.text,
    "",
    "Its key: a path or PEM text.",
    gate=SWITCH,
    secret=True,
)
KEY_PASSPHRASE = SECTION.setting(
    "apm-server.ssl.key_passphrase",
    kinds.text,
    "",
    "Passphrase of the key.",
    gate=SWITCH,
    secret=True,
)
CERTIFICATE_AUTHORITIES = SECTION.setting(
    "apm-server.ssl.certificate_authorities",
    kinds.texts,
    (),
    "Authorities of client certificates: paths or PEM text.",
    gate=SWITCH,
)
CLIENT_AUTHENTICATION = SECTION.setting(
    "apm-server.ssl.client_authentication",
    kinds.choice("none", "optional", "required"),
    "none",
    "Whether clients show a certificate. One that is shown is always checked.",
    gate=SWITCH,
    shown_default="`required` with authorities, else `none`",
)
VERIFICATION_MODE = SECTION.setting(
    "apm-server.ssl.verification_mode",
    kinds.choice("full", "strict", "certificate", "none"),
    "full",
    "How client certificates are checked: their chain, in every mode but `none`, which is refused together with "
    "`client_authentication`.",
    gate=SWITCH,
)
SUPPORTED_PROTOCOLS = SECTION.setting(
    "apm-server.ssl.supported_protocols",
    kinds.texts,
    ("TLSv1.2", "TLSv1.3"),
    "Versions of TLS: from the lowest to the highest that is named. TLSv1.1 only if it is named.",
    gate=SWITCH,
)
CIPHER_SUITES = SECTION.setting(
    "apm-server.ssl.cipher_suites",
    kinds.texts,
    (),
    "Cipher suites of TLS 1.2, such as `ECDHE-RSA-AES-128-GCM-SHA256`.",
    gate=SWITCH,
    shown_default="Mozilla's intermediate profile",
)
CURVE_TYPES = SECTION.setting(
    "apm-server.ssl.curve_types",
    kinds.texts,
    (),
    "The curve to use: one of P-256, P-384, P-521, X25519. With more than one, or others, OpenSSL's default choice is used.",
    gate=SWITCH,
    shown_default="OpenSSL's choice",
)
SECTION.setting(
    "apm-server.ssl.ca_sha256",
    kinds.texts,
    (),
    "Fingerprints that a client's chain must contain.",
    fate=Refused(
        "fingerprints of authorities are not supported: others than the one you named would be trusted. Give its "
        "certificate in `apm-server.ssl.certificate_authorities`"
    ),
    gate=SWITCH,
)
RELOAD_ENABLED = SECTION.setting(
    "apm-server.ssl.certificate_reload.enabled",
    kinds.boolean,
    True,
    "Whether changed files are read again.",
    gate=SWITCH,
)
RELOAD_INTERVAL = SECTION.setting(
    "apm-server.ssl.certificate_reload.reload_interval",
    kinds.duration(0.1),
    5.0,
    "How often to look.",
    gate=SWITCH,
)
SECTION.group(
    "apm-server.ssl", "Further keys, such as `renegotiation`.", Warned("there is no such choice here"), SWITCH
)
