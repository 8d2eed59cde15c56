"""Whether the service can reach the command that it is to start: its sandbox hides folders, and its user is nobody's friend."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

HIDDEN = {
    "/home": "ProtectHome=yes",
    "/root": "ProtectHome=yes",
    "/run/user": "ProtectHome=yes",
    "/tmp": "PrivateTmp=yes",  # noqa: S108 - compared, not written to
    "/var/tmp": "PrivateTmp=yes",  # noqa: S108 - compared, not written to
}
"""Folders that the service does not see, and the line of the unit that hides them."""
ADVICE = "install Tidegate where services may read it: python3 -m venv /opt/tidegate && /opt/tidegate/bin/pip install …"
_PLAIN = re.compile(r"/[A-Za-z0-9_./+@=:,~-]*")


def unreachable(paths: Iterable[Path]) -> str | None:
    """Why the service could not use one of the paths (absolute, as they are after links are followed, too); None if it can."""
    for path in paths:
        for place in (path, path.resolve()):
            if why := hidden(place) or _closed(place):
                return f"{place} {why}"
    return None


def hidden(path: Path) -> str | None:
    """Why the unit could not name it, or the service not see it, whatever is there."""
    if not _PLAIN.fullmatch(str(path)):
        return "has characters that a unit cannot hold"
    for folder, line in HIDDEN.items():
        if path.is_relative_to(folder):
            return f"lies in {folder}, which the service does not see ({line})"
    return None


def _closed(path: Path) -> str | None:
    """What is there must be readable for everybody."""
    for place in (path, *path.parents):
        try:
            mode = place.stat().st_mode
        except OSError as problem:
            return f"cannot be looked at ({problem.strerror})"
        if not mode & (0o001 if place != path or place.is_dir() else 0o004):
            return f"is not open to the service's user ({place} has mode {mode & 0o777:04o})"
    return None


def interpreter_of(command: Path) -> Path | None:
    """Whom the first line of a script names; None where it names nobody."""
    with command.open("rb") as opened:
        first = opened.readline(4096)
    words = first[2:].split() if first.startswith(b"#!") else []
    return Path(words[0].decode(errors="replace")) if words else None
