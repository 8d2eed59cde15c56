"""The machine: files that others may read, what the kernel cannot do, certificates that end. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.cli.exposed.finding import Finding, Severity
from tidegate.cli.exposed.subject import Expiry, OpenFile, Subject
from tidegate.daemon.lockdown import landlock
from tidegate.daemon.lockdown.acceptor import NO_LANDLOCK, NO_NETWORK, NO_SCOPE, NO_SECCOMP
from tidegate.daemon.settings import logging_section, tls_section

SOON = 14.0
"""Days before its end that a certificate should have been renewed: automatic renewal begins at 30."""
OPEN_TO_OTHERS = 0o007


def files(subject: Subject) -> Iterator[Finding]:
    """Who may read and change what should be Tidegate's alone."""
    for one in subject.machine.files:
        if one.is_socket:
            # Its group is for a proxy; everybody is for nobody.
            yield from [_socket(one)] if one.writable else []
            continue
        if one.writable:
            yield _open(one, "file-writable", Severity.HIGH, "can be changed by others than its owner", "go-w")
        if one.others and one.holds_secret:
            yield _open(one, "secret-readable", Severity.HIGH, "can be read by everybody on this machine", "o-rwx")
        elif one.group and one.holds_secret:
            yield _open(one, "secret-readable-by-group", Severity.LOW, "can be read by its whole group", "g-rwx")
    if int(subject.settings[logging_section.FILES_PERMISSIONS], 8) & OPEN_TO_OTHERS:
        yield Finding(
            "log-readable",
            Severity.LOW,
            "everybody on this machine can read the log files: addresses of clients, names of services",
            logging_section.FILES_PERMISSIONS.key,
            "0600",
        )


def _socket(one: OpenFile) -> Finding:
    text = f"every program of this machine may connect to {one.path}, and send as the proxy in front does"
    return Finding("socket-for-everybody", Severity.LOW, text, one.key, "a umask of 0007 or 0077 (UMask= in the unit)")


def _open(one: OpenFile, name: str, severity: Severity, how: str, change: str) -> Finding:
    return Finding(name, severity, f"{one.path} ({one.what}) {how}", one.key, f"chmod {change} {one.path}")


def separation(subject: Subject) -> Iterator[Finding]:
    """What keeps code that an attacker runs in an acceptor inside."""
    version = subject.machine.landlock
    newer = "a newer kernel; where it has Landlock, a container or unit that allows its system calls"
    if not version:
        yield Finding("no-landlock", Severity.HIGH, NO_LANDLOCK, "", "Linux 5.13 or later, with `landlock` in lsm=")
    else:
        if version < landlock.NETWORK_VERSION:
            yield Finding("landlock-without-network", Severity.LOW, NO_NETWORK, "", newer)
        if version < landlock.SCOPE_VERSION and not subject.machine.seccomp:
            yield Finding("landlock-without-scope", Severity.LOW, NO_SCOPE, "", newer)
    if not subject.machine.seccomp:
        yield Finding("no-seccomp", Severity.MEDIUM, NO_SECCOMP, "", "a kernel for x86-64 or ARM64, with seccomp")


def certificates(subject: Subject) -> Iterator[Finding]:
    """Those that agents are shown."""
    for one in subject.machine.expiries:
        yield from expiry(one)


def expiry(one: Expiry) -> Iterator[Finding]:
    """Of one certificate."""
    if one.days < 0:
        text = f"the certificate {one.path} has ended: agents refuse it, and people get used to switching checks off"
    elif one.days < SOON:
        text = f"the certificate {one.path} ends in {one.days:.0f} days"
    else:
        return
    severity = Severity.HIGH if one.days < 0 else Severity.MEDIUM
    yield Finding("certificate-ends", severity, text, tls_section.CERTIFICATE.key, "a new one; it is taken up at once")
