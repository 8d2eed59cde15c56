"""How many connections the limit of open files leaves room for."""

from __future__ import annotations

import resource

KEPT_BACK = 64
"""Descriptors that are no client's: the process takes 22 by itself, each worker one. A worker that reconnects must find
one free: ZeroMQ ends the whole process when it cannot accept on a UNIX socket for want of a descriptor."""


def room_for_connections() -> int:
    """Raises the limit of open files as far as it may be raised, and returns how many connections fit below it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Service managers leave it at 1024 for the sake of programs that use select(); nothing here does.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return connections_below(hard)


def connections_below(limit: int) -> int:
    """The connections that fit into a limit of open files, at least one."""
    if limit == resource.RLIM_INFINITY:
        return 2**31
    return max(1, limit - KEPT_BACK)
