"""seccomp (seccomp(2)): system calls that an acceptor never needs fail from now on.

Landlock does not cover connections to UNIX sockets that have a path (an admin socket, another acceptor's link), UDP, limits of
other processes, nor a terminal that is open; and where a kernel has no Landlock, this still keeps an acceptor from
starting programs, from other processes' memory, and from ending them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tidegate.daemon.lockdown.kernel import PR_SET_SECCOMP, prctl

_MODE_FILTER = 2
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
"""Instructions of classic BPF: load a word of what is looked at, keep some of its bits, jump if equal or not less, return."""
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
"""Offsets in struct seccomp_data. Of an argument (8 bytes) the lower half is looked at, which comes first on all machines here and
is all that the kernel reads of an int."""
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_KILL = 0x80000000
_X32 = 0x40000000

_RINGS = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}
"""What is asked for through a ring passes by these filters."""
_COMMON = {"pidfd_send_signal": 424, "pidfd_getfd": 438, "process_madvise": 440, **_RINGS}

_FCNTL_REFUSED = (8, 10, 15)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX: they let the kernel send a signal to somebody."""
_IOCTL_REFUSED = (0x5412, 0x541C, 0x8901, 0x8902)
"""TIOCSTI and TIOCLINUX: they write what the shell behind an open terminal reads; FIOSETOWN and SIOCSPGRP: as above."""
_KIND_OF_SOCKET = 0xF
_ANY_BIT = 0xFFFFFFFF


class Machine(NamedTuple):
    """A kind of processor: what its calls are marked with, and their numbers (asm/unistd.h)."""

    audit: int
    refused: dict[str, int]
    limited: dict[str, int]


class Limit(NamedTuple):
    """The one value that an argument of a call may have, or (`allowed` false) may not have; `bits` are those that count."""

    call: str
    argument: int
    value: int
    allowed: bool = True
    bits: int = _ANY_BIT


MACHINES = {
    "x86_64": Machine(
        0xC000003E,
        {
            "connect": 42,
            "execve": 59,
            "execveat": 322,
            "ptrace": 101,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "open_by_handle_at": 304,
            "kill": 62,
            "tkill": 200,
            "rt_sigqueueinfo": 129,
            "rt_tgsigqueueinfo": 297,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "perf_event_open": 298,
            "bpf": 321,
            **_COMMON,
        },
        {
            "socket": 41,
            "socketpair": 53,
            "tgkill": 234,
            "prlimit64": 302,
            "fcntl": 72,
            "ioctl": 16,
            "sendto": 44,
            "sendmsg": 46,
            "sendmmsg": 307,
        },
    ),
    "aarch64": Machine(
        0xC00000B7,
        {
            "connect": 203,
            "execve": 221,
            "execveat": 281,
            "ptrace": 117,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "open_by_handle_at": 265,
            "kill": 129,
            "tkill": 130,
            "rt_sigqueueinfo": 138,
            "rt_tgsigqueueinfo": 240,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "perf_event_open": 241,
            "bpf": 280,
            **_COMMON,
        },
        {
            "socket": 198,
            "socketpair": 199,
            "tgkill": 131,
            "prlimit64": 261,
            "fcntl": 25,
            "ioctl": 29,
            "sendto": 206,
            "sendmsg": 211,
            "sendmmsg": 269,
        },
    ),
}


def known_machine() -> bool:
    """Whether the numbers of this processor's calls are known here."""
    return os.uname().machine in MACHINES


def refuse_rings() -> None:
    """No io_uring from now on. To be called before an event loop is made: libuv opens a ring with it and then cannot do without,
    and through a ring that is open an acceptor could connect to anybody. As `refuse_calls` otherwise."""
    _install(_program(MACHINES[os.uname().machine], _RINGS.values(), ()))


def refuse_calls() -> None:
    """This thread, and those it starts, connect to nobody, make only UNIX stream sockets, start no program, look into no process,
    end none and change no limit of one, and write no input of a terminal. Wants `no_new_privs`. Raises OSError; KeyError where
    `known_machine` is false."""
    machine = MACHINES[os.uname().machine]
    limits = (
        Limit("socket", 0, socket.AF_UNIX),
        # Datagrams need no connection to reach the log's or the service manager's socket.
        Limit("socket", 1, socket.SOCK_STREAM, bits=_KIND_OF_SOCKET),
        Limit("socketpair", 1, socket.SOCK_STREAM, bits=_KIND_OF_SOCKET),
        # A listening socket that is shut down can connect by sending so, and Landlock does not look.
        Limit("sendto", 3, 0, bits=socket.MSG_FASTOPEN),
        Limit("sendmsg", 2, 0, bits=socket.MSG_FASTOPEN),
        Limit("sendmmsg", 3, 0, bits=socket.MSG_FASTOPEN),
        Limit("tgkill", 0, os.getpid()),
        Limit("prlimit64", 0, 0),
        *(Limit("fcntl", 1, command, allowed=False) for command in _FCNTL_REFUSED),
        *(Limit("ioctl", 1, command, allowed=False) for command in _IOCTL_REFUSED),
    )
    _install(_program(machine, machine.refused.values(), limits))


def _install(instructions: Iterable[bytes]) -> None:
    program = b"".join(instructions)
    code = ctypes.create_string_buffer(program, len(program))
    prctl(PR_SET_SECCOMP, _MODE_FILTER, struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code)))


def _program(machine: Machine, refused: Iterable[int], limits: Iterable[Limit]) -> Iterator[bytes]:
    """Instructions of eight bytes: code, jump if true, jump if false, value."""
    yield _instruction(_LOAD, _ARCHITECTURE_AT)
    # Another architecture's calls have other numbers; nobody here makes them.
    yield _instruction(_EQUAL, machine.audit, 1, 0)
    yield _instruction(_RETURN, _KILL)
    yield _instruction(_LOAD, _NUMBER_AT)
    yield _instruction(_AT_LEAST, _X32, 0, 1)
    yield _instruction(_RETURN, _KILL)
    for number in refused:
        yield _instruction(_EQUAL, number, 0, 1)
        yield _instruction(_RETURN, _REFUSE)
    for limit in limits:
        yield _instruction(_EQUAL, machine.limited[limit.call], 0, 5)
        yield _instruction(_LOAD, _ARGUMENTS_AT + 8 * limit.argument)
        yield _instruction(_AND, limit.bits)
        yield _instruction(_EQUAL, limit.value, *((1, 0) if limit.allowed else (0, 1)))
        yield _instruction(_RETURN, _REFUSE)
        yield _instruction(_LOAD, _NUMBER_AT)
    yield _instruction(_RETURN, _ALLOW)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
