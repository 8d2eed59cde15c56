"""What the kernel says of a process: proc_pid_stat(5), readable also of those that are not dumpable."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_UTIME, _STIME, _START, _RSS = 11, 12, 19, 21
"""Places behind the name in parentheses, which may hold anything."""


class Process(NamedTuple):
    """Seconds and bytes."""

    cpu: float
    uptime: float
    resident: int


def process_of(pid: int) -> Process | None:
    """None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    cpu = (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[_START]) / _TICKS
    return Process(cpu, max(0.0, uptime), int(fields[_RSS]) * _PAGE)
