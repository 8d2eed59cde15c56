"""Keys that every Elasticsearch client of the original has, for the sections that inherit `output.elasticsearch`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tidegate.daemon.settings import kinds
from tidegate.daemon.settings.declare import Fate, Gate, Honoured, Section, Setting, Warned

_UNUSED = Warned("this key of the client is not used: it does as `output.elasticsearch` does")


class Client(NamedTuple):
    """The keys of one client. What is not given is that of `output.elasticsearch`; credentials change together."""

    hosts: Setting[tuple[str, ...]]
    protocol: Setting[str]
    path: Setting[str]
    username: Setting[str]
    password: Setting[str]
    api_key: Setting[str]
    headers: Setting[Mapping[str, tuple[str, ...]]]
    timeout: Setting[float]
    tls_enabled: Setting[bool]
    verification_mode: Setting[str]
    certificate_authorities: Setting[tuple[str, ...]]
    certificate: Setting[str]
    key: Setting[str]
    key_passphrase: Setting[str]
    supported_protocols: Setting[tuple[str, ...]]


def declare_client(section: Section, prefix: str, fate: Fate, gate: Gate | None = None) -> Client:
    """Declares `<prefix>.hosts` and so on, and returns them."""

    def text(name: str, help: str, default: str = "", *, secret: bool = False) -> Setting[str]:
        return section.setting(f"{prefix}.{name}", kinds.text, default, help, fate=fate, gate=gate, secret=secret)

    def texts(name: str, help: str, default: tuple[str, ...] = ()) -> Setting[tuple[str, ...]]:
        return section.setting(f"{prefix}.{name}", kinds.texts, default, help, fate=fate, gate=gate)

    client = Client(
        hosts=texts("hosts", "Hosts, in place of those of the output."),
        protocol=section.setting(
            f"{prefix}.protocol", kinds.choice("http", "https"), "http", "Scheme.", fate=fate, gate=gate
        ),
        path=text("path", "Path in front of the API's."),
        username=text("username", "User."),
        password=text("password", "Password.", secret=True),
        api_key=text("api_key", "`id:key`.", secret=True),
        headers=section.setting(
            f"{prefix}.headers",
            kinds.headers,
            {},
            "Further headers.",
            fate=fate,
            gate=gate,
            secret=True,
            shown_default="none",
        ),
        timeout=section.setting(
            f"{prefix}.timeout", kinds.duration(0.001), 5.0, "Time to connect.", fate=fate, gate=gate
        ),
        tls_enabled=section.setting(
            f"{prefix}.ssl.enabled",
            kinds.boolean,
            True,
            "False: the output's `ssl` is not used, nor are these.",
            fate=fate,
            gate=gate,
        ),
        verification_mode=section.setting(
            f"{prefix}.ssl.verification_mode",
            kinds.choice("full", "strict", "certificate", "none"),
            "full",
            "What is checked of the certificate.",
            fate=fate,
            gate=gate,
        ),
        certificate_authorities=texts("ssl.certificate_authorities", "Authorities to trust: paths or PEM text."),
        certificate=text("ssl.certificate", "Certificate to show: a path or PEM text."),
        key=text("ssl.key", "Its key.", secret=True),
        key_passphrase=text("ssl.key_passphrase", "Passphrase of the key.", secret=True),
        supported_protocols=texts("ssl.supported_protocols", "Versions of TLS.", ("TLSv1.2", "TLSv1.3")),
    )
    rest = _UNUSED if isinstance(fate, Honoured) else fate
    section.setting(f"{prefix}.proxy_url", kinds.text, "", "Proxy.", fate=rest, gate=gate, secret=True)
    section.group(prefix, "Further keys of this client.", rest, gate)
    return client
