"""Refusals for lack of permission: they name the line that works."""

from __future__ import annotations

import os
import pwd
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

SERVICE_USER = "tidegate"
"""Of the packaged unit (systemd/tidegate.service)."""


def refusal(path: Path, words: Sequence[str] | None = None) -> str:
    """That this user may not use the path, and how its owner would run the command line `words` (default: this one)."""
    command = shlex.join(["sudo", "-u", owner_of(path), "tidegate", *(sys.argv[1:] if words is None else words)])
    return f"this user may not use {path}; as its owner: {command}"


def owner_of(path: Path) -> str:
    """Name of the user to whom the path belongs, or the nearest folder above it that can be looked at.

    Where that is root, or this user (who was refused for another reason), the service's user.
    """
    for place in (path, *path.absolute().parents):
        try:
            owner = place.stat().st_uid
        except OSError:
            continue
        if owner in (0, os.geteuid()):
            break
        try:
            return pwd.getpwuid(owner).pw_name
        except KeyError:
            return f"#{owner}"
    return SERVICE_USER


def is_forbidden(path: Path) -> bool:
    """Whether the file is there and this user may not read it."""
    try:
        with path.open("rb"):
            return False
    except PermissionError:
        return True
    except OSError:
        return False
