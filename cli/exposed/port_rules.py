"""The port itself: TLS, client addresses, browsers' origins, limits, debugging. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from tidegate.cli.exposed.finding import Finding, Severity
from tidegate.cli.exposed.subject import Reach, Subject
from tidegate.daemon.settings import auth, logging_section, processing, rum, server, tls_section
from tidegate.daemon.settings.origin_patterns import read_origin_pattern
from tidegate.daemon.settings.parts import BrowsersPart

LARGEST_HEAD = 64 << 10
"""Bytes; agents send half a KiB, browsers with cookies some KiB."""
LARGEST_EVENT = 8 << 20
"""Bytes; agents cut what they send to less than the default of 300 KiB."""
LONGEST_WAIT = 300.0
"""Seconds; a client that is slower than this holds a connection for nothing."""
_CROSS_ORIGIN = ("access-control-allow-origin", "access-control-allow-credentials")
WIDEST_NETWORK = {4: 8, 6: 16}
"""Bits of a prefix by IP version; what is wider is the world, not one's proxies."""


def encryption(subject: Subject) -> Iterator[Finding]:
    """TLS towards agents."""
    tls = subject.part.tls
    if tls is None:
        if subject.is_public:
            yield Finding(
                "no-tls",
                Severity.HIGH if subject.reach is Reach.EVERYBODY else Severity.MEDIUM,
                f"{subject.settings[server.HOST]} speaks plain HTTP: whoever is on the way can read tokens and events, and "
                "change them",
                tls_section.CERTIFICATE.key,
                "certificate and key (`apm-server.ssl.key`); or listen on 127.0.0.1, with a proxy in front that ends TLS",
            )
        return
    if tls.minimum_version == "TLSv1.1":
        yield Finding(
            "old-tls",
            Severity.MEDIUM,
            "TLS 1.1 is spoken, which is broken (RFC 8996)",
            tls_section.SUPPORTED_PROTOCOLS.key,
            "leave it out: TLSv1.2 and TLSv1.3",
        )
    weak = [name for name in tls.cipher_suites.split(":") if name and not _is_strong(name)]
    if weak:
        yield Finding(
            "weak-ciphers",
            Severity.MEDIUM,
            f"cipher suites without forward secrecy or authenticated encryption are offered: {', '.join(weak[:4])}",
            tls_section.CIPHER_SUITES.key,
            "leave it out: Mozilla's intermediate profile",
        )
    if tls.client_authentication == "optional":
        yield Finding(
            "client-certificates-optional",
            Severity.LOW,
            "client certificates are asked for and not needed: who shows none gets in all the same",
            tls_section.CLIENT_AUTHENTICATION.key,
            "required, or none",
        )


def _is_strong(suite: str) -> bool:
    return suite.startswith(("ECDHE-", "DHE-")) and ("GCM" in suite or "CHACHA20" in suite)


def addresses(subject: Subject) -> Iterator[Finding]:
    """Whose word is believed about where a request comes from."""
    forwarding = subject.part.forwarding
    everybody = [one for one in forwarding.trusted if _is_everybody(one)]
    if everybody:
        yield Finding(
            "everybody-is-a-proxy",
            Severity.HIGH if subject.is_public else Severity.MEDIUM,
            f"forwarding headers are believed from everybody ({', '.join(everybody)}): each client chooses its address, "
            "and with it a fresh rate limit",
            auth.TRUSTED_PROXIES.key,
            "the addresses of your proxies, or none",
        )
    elif subject.is_public and "private" in forwarding.trusted:
        yield Finding(
            "private-networks-are-proxies",
            Severity.MEDIUM,
            "forwarding headers are believed from all private networks: every machine there chooses its address",
            auth.TRUSTED_PROXIES.key,
            "the addresses of your proxies, or none",
        )
    limits_strangers = subject.part.auth.anonymous is not None
    if forwarding.trusted and not forwarding.from_right and (subject.is_public or limits_strangers):
        yield Finding(
            "address-from-the-left",
            Severity.LOW,
            "of forwarded addresses the first one counts, which a client can write itself if a proxy only appends its own",
            auth.FORWARDED.key,
            "right",
        )


def _is_everybody(one: str) -> bool:
    if one in ("all", "private"):
        return one == "all"
    network = ipaddress.ip_network(one, strict=False)
    return network.prefixlen < WIDEST_NETWORK[network.version]


def pages(subject: Subject) -> Iterator[Finding]:
    """Origins whose pages may send."""
    browsers = subject.part.browsers
    if not browsers.enabled:
        return
    yield from _page_headers(subject, browsers)
    if "*" in browsers.allow_origins:
        yield Finding(
            "any-origin",
            Severity.MEDIUM,
            "pages of every origin may send: other sites can spend your visitors' limits and fill your data",
            rum.ALLOW_ORIGINS.key,
            "the origins of your pages, such as https://shop.example",
        )
        return
    loose = [one for one in browsers.allow_origins if browsers.match_origins == "text" and "*" in one]
    if loose:
        yield Finding(
            "loose-origins",
            Severity.LOW,
            f"origins are compared as texts, so a * also stands for dots and slashes: {', '.join(loose[:3])}",
            rum.MATCH_ORIGINS.key,
            "host",
        )
    if plain := [one for one in browsers.allow_origins if one.startswith("http://") and not _is_local(one)]:
        yield Finding(
            "plain-origins",
            Severity.LOW,
            f"pages without TLS may send: whoever is on their way can put a page in their place: {', '.join(plain[:3])}",
            rum.ALLOW_ORIGINS.key,
            "https://",
        )


def _page_headers(subject: Subject, browsers: BrowsersPart) -> Iterator[Finding]:
    if "authorization" in {name.lower() for name in browsers.allow_headers}:
        yield Finding(
            "pages-may-send-tokens",
            Severity.LOW,
            "pages may send `Authorization`: a token in a page is known to everybody who opens it",
            rum.ALLOW_HEADERS.key,
            "without it: pages are let in as anonymous senders",
        )
    for setting, headers in (
        (server.RESPONSE_HEADERS, subject.part.response_headers),
        (rum.RESPONSE_HEADERS, browsers.response_headers),
    ):
        if any(name.lower() in _CROSS_ORIGIN for name in headers):
            yield Finding(
                "own-cross-origin-headers",
                Severity.MEDIUM,
                "answers carry a header about other origins that is not worked out from `allow_origins`: browsers may show "
                "them to other sites",
                setting.key,
                "without Access-Control-Allow-Origin and Access-Control-Allow-Credentials",
            )


def _is_local(origin: str) -> bool:
    pattern = read_origin_pattern(origin)
    return pattern is not None and pattern.host in ("localhost", "127.0.0.1", "[::1]")


def amounts(subject: Subject) -> Iterator[Finding]:
    """Limits that a public port should have."""
    part = subject.part
    if subject.is_public and not part.max_connections_per_address:
        yield Finding(
            "connections-per-address",
            Severity.MEDIUM,
            "one address may open as many connections as there are: it can keep everybody else out",
            auth.MAX_CONNECTIONS_PER_ADDRESS.key,
            "64 suits offices and mobile networks, which share an address",
        )
    if subject.is_public and part.max_header_size > LARGEST_HEAD:
        yield Finding(
            "large-heads",
            Severity.LOW,
            f"the head of a request may have {part.max_header_size} bytes, which is memory that any stranger can take",
            server.MAX_HEADER_SIZE.key,
            "16384",
        )
    if part.max_event_size > LARGEST_EVENT:
        yield Finding(
            "large-events",
            Severity.LOW,
            f"one event may have {part.max_event_size} bytes, and is held in memory whole, in acceptor and worker",
            server.MAX_EVENT_SIZE.key,
            f"{server.MAX_EVENT_SIZE.default} is the default",
        )
    waits = {server.READ_TIMEOUT: part.read_timeout, server.IDLE_TIMEOUT: part.idle_timeout}
    waits[server.WRITE_TIMEOUT] = part.write_timeout
    for setting, seconds in waits.items():
        if subject.is_public and seconds > LONGEST_WAIT:
            yield Finding(
                "long-timeouts",
                Severity.LOW,
                f"a client may keep a connection waiting for {seconds:g} s ({setting.key})",
                setting.key,
                f"{setting.default:g}s is the default",
            )
    connections = subject.settings[server.MAX_CONNECTIONS]
    if connections > subject.machine.room * subject.settings.acceptors:
        yield Finding(
            "more-connections-than-files",
            Severity.LOW,
            f"{connections} connections are allowed, and the limit of open files of whoever runs this command leaves room "
            f"for {subject.machine.room}: the rest will wait",
            server.MAX_CONNECTIONS.key,
            "a lower number, or LimitNOFILE= in the unit (ulimit -n)",
        )


def habits(subject: Subject) -> Iterator[Finding]:
    """What was switched on to look into something, and profiles."""
    settings = subject.settings
    for setting in (processing.EXPVAR_ENABLED, processing.PPROF_ENABLED):
        if settings[setting]:
            yield Finding(
                "debug-pages",
                Severity.NOTE,
                f"{setting.key} is set: its pages are not served on this port; ask the admin socket, admin.sock in path.data",
                setting.key,
                "leave it out",
            )
    if settings[logging_section.LEVEL] == "debug":
        yield Finding(
            "debug-log",
            Severity.LOW,
            "the log is at level debug, which may show contents of events",
            logging_section.LEVEL.key,
            "info",
        )
    if subject.is_public and settings[auth.PROFILE] != "public":
        yield Finding(
            "compatible-profile",
            Severity.NOTE,
            "the port can be reached from outside, with the defaults of the original: they suit a private network",
            auth.PROFILE.key,
            "public",
        )
