"""What `tidegate systemd install` is to write, from the service's settings and the command that it starts."""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import tidegate.daemon
from tidegate.cli import systemd_units as units
from tidegate.cli.init import TOKEN_BYTES, built, file_text
from tidegate.cli.systemd_files import Wanted
from tidegate.cli.systemd_reach import ADVICE, hidden, interpreter_of, unreachable
from tidegate.daemon.activation import resolved
from tidegate.daemon.errors import UnfitError
from tidegate.daemon.settings import server
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.loader import load_settings

_CREDENTIAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SLASH = Path("/")


class Unreachable(Exception):
    """The unit could not start the command; the text says why and what to do."""


def under(root: Path, path: str) -> Path:
    """The path within another root."""
    return root / path.lstrip("/")


def settings_of_service(root: Path) -> Settings | None:
    """With its credentials and folders; None before there are any. Raises SettingsError."""
    file = under(root, units.SETTINGS)
    if not file.exists():
        return None
    environ = {
        "CREDENTIALS_DIRECTORY": str(under(root, units.CREDENTIALS)),
        "STATE_DIRECTORY": units.DATA,
        "RUNTIME_DIRECTORY": units.RUNTIME,
    }
    return load_settings(file, (), environ, _SLASH)


def command_of(root: Path, given: Path | None) -> str:
    """The command as the unit calls it. Raises Unreachable."""
    command = given or Path(sys.executable).with_name("tidegate")
    if root != _SLASH and command.is_relative_to(root):
        command = _SLASH / command.relative_to(root)
    found = under(root, str(command))
    if not command.is_absolute() or not found.is_file():
        raise Unreachable(f"{found} is not there: name the command by its whole path (--command); {ADVICE}")
    interpreter = interpreter_of(found)
    needed = [command] if interpreter is None else [command, interpreter]
    if root != _SLASH:
        # Links and modes mean something on that machine only.
        why = next((f"{path} {reason}" for path in needed if (reason := hidden(path))), None)
    else:
        if given is None:
            needed += [Path(sys.base_prefix), Path(tidegate.daemon.__file__).parent]
        why = unreachable(needed)
    if why:
        raise Unreachable(f"the service could not start {command}: {why}; {ADVICE}")
    return str(command)


def facts_of(settings: Settings | None, root: Path, command: str) -> units.Facts:
    """What the units depend on. Raises UnfitError for settings that a service cannot have."""
    if settings is None:
        # Those that `wanted` writes are the defaults in all that matters here.
        return units.Facts(command)
    places = [place for address in settings.listen for place in resolved(address)]
    for place in places:
        if place.path and Path(place.path).is_relative_to(units.RUNTIME):
            raise UnfitError(
                f"apm-server.host: unix:{place.path} lies in {units.RUNTIME}, which goes with the service, while the socket "
                "is to stay: choose unix:/run/tidegate.sock"
            )
    folder = under(root, units.CREDENTIALS)
    names = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
    return units.Facts(
        command,
        tuple(dict.fromkeys(place.path or str(place) for place in places)),
        any(place.host and not _is_there_at_once(place.host) for place in places),
        settings.shutdown_timeout,
        settings[server.MAX_CONNECTIONS],
        tuple(_written(settings)),
        tuple(name for name in names if _CREDENTIAL.fullmatch(name)),
    )


def _written(settings: Settings) -> Iterator[str]:
    """Folders besides the service's own. Raises UnfitError for one that the service would not see."""
    files = settings.logging_part().files
    for key, folder in (
        ("path.data", settings.path_data),
        ("path.logs", None if files is None else Path(files.folder)),
    ):
        if folder is None or folder.is_relative_to(units.DATA) or folder.is_relative_to(units.LOGS):
            continue
        if reason := hidden(folder):
            raise UnfitError(f"{key}: {folder} {reason}: choose {units.DATA}, or another folder below /var or /srv")
        yield str(folder)


def _is_there_at_once(host: str) -> bool:
    return host in ("0.0.0.0", "::", "::1") or host.startswith("127.")  # noqa: S104 - compared, not bound


def wanted(root: Path, facts: units.Facts) -> list[Wanted]:
    """The files, in the order in which they are written."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    first = file_text(built(), token, public=False, origins=[]).replace("#path.data: /var", "path.data: /var")
    return [
        Wanted(under(root, units.USERS_FILE), units.users_text(), mark=units.MARK),
        Wanted(under(root, units.MODES_FILE), units.modes_text(facts), mark=units.MARK),
        Wanted(under(root, units.SETTINGS), first, mode=0o640, keep=True),
        Wanted(under(root, units.SOCKET_FILE), units.socket_text(facts), mark=units.MARK),
        Wanted(under(root, units.SERVICE_FILE), units.service_text(facts), mark=units.MARK),
    ]
