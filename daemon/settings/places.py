"""Which settings file, which folders; and whether the file is safe to read."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from tidegate.daemon.settings.problems import Origin, Problem

_LARGEST_FILE = 1 << 20
"""Bytes; the original's packaged file has 50 kB, nearly all comments."""
_SYSTEM_FILE = "/etc/tidegate/tidegate.yml"


def find_file(config: Path | None, working_folder: Path, config_folder: str) -> Path | None:
    """The settings file: the one named (relative to the working folder, else to `path.config`), or the first of
    `./tidegate.yml` and `/etc/tidegate/tidegate.yml` that exists."""
    if config is not None:
        named = working_folder / config
        elsewhere = working_folder / config_folder / config
        return elsewhere if config_folder and not named.exists() and elsewhere.exists() else named
    for candidate in (working_folder / "tidegate.yml", Path(_SYSTEM_FILE)):
        try:
            if candidate.is_file():
                return candidate
        except PermissionError:  # a folder that only the service's user may enter
            return candidate
    return None


def read_file(file: Path, user_id: int, *, strict: bool) -> tuple[str | None, list[Problem]]:
    """The file's text, None where there is none to read, and what is wrong with it.

    `strict` checks owner and mode as the original does."""
    origin = Origin(str(file))
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST_FILE + 1)
            status = file.stat()
    except PermissionError:
        advice = "this user may not read it. Run the command as the service's user: sudo -u tidegate tidegate …"
        return None, [Problem("", advice, origin)]
    except (OSError, ValueError) as error:
        return None, [Problem("", f"cannot be read: {getattr(error, 'strerror', None) or error}", origin)]
    if len(content) > _LARGEST_FILE:
        return None, [Problem("", "is larger than 1 MiB: that is no settings file", origin)]
    problems = [Problem("", text, origin) for text in _unsafe(file, status.st_uid, status.st_mode, user_id) if strict]
    try:
        return content.decode("utf-8-sig"), problems
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return None, [*problems, Problem("", "is not UTF-8 text", Origin(str(file), line))]


def _unsafe(file: Path, owner: int, mode: int, user_id: int) -> list[str]:
    if not stat.S_ISREG(mode):
        return []
    found = []
    advice = "; --strict.perms=false turns this check off"
    if owner not in (0, user_id):
        found.append(
            f'config file ("{file}") must be owned by the user identifier (uid={user_id}) or root '
            f"(to fix the owner use: 'chown {user_id} {file}'){advice}"
        )
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        found.append(
            f'config file ("{file}") can only be writable by the owner but the permissions are '
            f"\"{stat.filemode(mode)}\" (to fix the permissions use: 'chmod go-w {file}'){advice}"
        )
    return found


def strict_permissions(environ: Mapping[str, str]) -> bool:
    """Whether the environment (`BEAT_STRICT_PERMS`) leaves the check on."""
    return environ.get("BEAT_STRICT_PERMS", "").lower() not in ("false", "0", "f")


def default_data_folder(environ: Mapping[str, str], home: str) -> tuple[str, str]:
    """The data folder where `path.data` is not given, and the reason: path, origin. Empty when there is no home."""
    if home:
        return f"{home}/data", "path.home"
    if state := environ.get("STATE_DIRECTORY", "").partition(":")[0]:
        return state, "environment STATE_DIRECTORY"
    # the specification of XDG tells to ignore paths that are not absolute
    if (state := environ.get("XDG_STATE_HOME", "")).startswith("/"):
        return f"{state}/tidegate", "environment XDG_STATE_HOME"
    if user_home := environ.get("HOME", ""):
        return f"{user_home}/.local/state/tidegate", "environment HOME"
    return "", ""
