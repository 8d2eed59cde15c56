"""Looks at this machine: modes of files, certificates, the kernel, limits. Changes nothing."""

from __future__ import annotations

import resource
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tidegate.cli.exposed.certificate_dates import ends
from tidegate.cli.exposed.subject import Expiry, Machine, OpenFile
from tidegate.daemon.acceptor.descriptors import connections_below
from tidegate.daemon.lockdown import landlock, seccomp
from tidegate.daemon.settings import output, server, table, tls_section
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.intake_tls import is_pem
from tidegate.daemon.settings.secret_tokens import SecretToken

SECONDS_OF_A_DAY = 86400
_ENVIRONMENT_FILES = ("/etc/default/tidegate", "/etc/sysconfig/tidegate")
"""Where distributions keep the environment of a service."""
_BESIDE = ("*.env", ".env", "*.keystore", "credentials/*")
"""Names of files with secrets that people put beside the settings file, and of those that systemd hands over; the original's
keystore, which Tidegate does not read, among them."""
_MOST_BESIDE = 100
_LARGEST = 1 << 20


def look(settings: Settings) -> Machine:
    """What can be seen; what this user may not look at is left out."""
    return Machine(
        files=tuple(open_files(settings)),
        landlock=landlock.version(),
        seccomp=seccomp.known_machine(),
        room=connections_below(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        expiries=tuple(expiries(settings, datetime.now(UTC))),
    )


def open_files(settings: Settings) -> Iterator[OpenFile]:
    """Files and folders with something to hide that others than their owner can get at."""
    for path, what, key, holds_secret in _named(settings):
        try:
            mode = path.stat().st_mode
        except (OSError, ValueError):
            continue
        found = OpenFile(
            str(path),
            what,
            key,
            group=bool(mode & (stat.S_IRGRP | (stat.S_IXGRP if stat.S_ISDIR(mode) else 0))),
            others=bool(mode & (stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0))),
            writable=bool(mode & (stat.S_IWOTH if stat.S_ISSOCK(mode) else stat.S_IWGRP | stat.S_IWOTH)),
            holds_secret=holds_secret,
            is_socket=stat.S_ISSOCK(mode),
        )
        if found.group or found.others or found.writable:
            yield found


def _named(settings: Settings) -> Iterator[tuple[Path, str, str, bool]]:
    source = settings.source
    if source is not None:
        secret = holds_secrets(settings, source)
        yield source, "the settings, with secrets in them" if secret else "the settings", "", secret
        for pattern in _BESIDE:
            for number, path in enumerate(_glob(source.parent, pattern)):
                if number < _MOST_BESIDE:
                    yield path, "a secret, beside the settings", "", True
    for name in _ENVIRONMENT_FILES:
        yield Path(name), "environment of the service", "", True
    keys = ((tls_section.KEY, settings.tls), (output.KEY, settings.sink_name == "elasticsearch"))
    for setting, used in keys:
        if used and settings[setting] and not is_pem(settings[setting]):
            yield Path(settings[setting]), "private key", setting.key, True
    for address in settings.listen:
        if address.path:
            yield Path(address.path), "the socket for clients", server.HOST.key, False
    yield settings.path_data, "spool, dead letters, local store, API keys", "path.data", True


def _glob(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def holds_secrets(settings: Settings, file: Path) -> bool:
    """Whether a secret stands in the file itself, and not in a variable that it names."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return False
    secrets = [
        secret
        for key in settings.origins
        if table.SETTINGS[key].secret
        for secret in _texts(settings[table.SETTINGS[key]])
        if is_pem(secret) or not key.endswith(".ssl.key")  # which may be the path of a file
    ]
    # Of a PEM block the first line says what it is; as YAML writes it, the lines may be indented.
    return any(one.splitlines()[0] in text if "\n" in one else one in text for one in secrets if one)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, SecretToken):
        yield value.token
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


def expiries(settings: Settings, now: datetime) -> Iterator[Expiry]:
    """Of the certificate that agents are shown; one that cannot be read is told by `tidegate check`."""
    if not settings.tls:
        return
    named = settings[tls_section.CERTIFICATE]
    try:
        text = named if is_pem(named) else Path(named).read_text(encoding="ascii", errors="replace")
        left = ends(text) - now
    except (OSError, ValueError):
        return
    yield Expiry("in the settings" if is_pem(named) else named, left.total_seconds() / SECONDS_OF_A_DAY)
