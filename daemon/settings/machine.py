"""What automatic settings depend on: this machine, read once at the start."""

from __future__ import annotations

import math
import os
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Facts about where this process runs."""

    hostname: str
    cores: int
    """That this process may use."""
    user_id: int
    terminal: bool
    """Whether standard error is one."""
    build_date: str
    """RFC 3339; when this program was installed."""


def this_machine() -> Machine:
    """The facts as they are now."""
    installed = Path(__file__).stat().st_mtime
    return Machine(
        hostname=socket.gethostname(),
        cores=_cores(),
        user_id=os.geteuid(),
        terminal=sys.stderr is not None and sys.stderr.isatty(),
        build_date=datetime.fromtimestamp(int(installed), UTC).isoformat().replace("+00:00", "Z"),
    )


def _cores() -> int:
    cores = len(os.sched_getaffinity(0))
    for content in _of_cgroup("cpu.max"):
        quota, _, period = content.partition(" ")
        if quota.isdigit() and period.isdigit() and int(period):
            cores = min(cores, math.ceil(int(quota) / int(period)))
    return max(cores, 1)


def _of_cgroup(name: str) -> list[str]:
    """The file's contents in this process's cgroup (version 2) and all above it."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    contents = []
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers:
            continue
        root = Path("/sys/fs/cgroup")
        folder = root / path.lstrip("/")
        for place in (folder, *folder.parents):
            if place != root and root not in place.parents:
                break
            try:
                contents.append((place / name).read_text(encoding="ascii").strip())
            except (OSError, UnicodeDecodeError):
                continue
    return contents
