"""What the rules look at: settings, and what was found out about this machine, the store and the running instance. Pure."""

from __future__ import annotations

import ipaddress
from enum import Enum
from typing import NamedTuple

from tidegate.daemon.settings.address import ListenAddress
from tidegate.daemon.settings.effective import Settings
from tidegate.daemon.settings.parts import AcceptorPart


class Reach(Enum):
    """Who can reach the port, as far as the address tells."""

    MACHINE = "programs of this machine"
    NETWORK = "a private network"
    EVERYBODY = "everybody, unless a firewall is in between"


class OpenFile(NamedTuple):
    """A file or folder, and who may get at it beside its owner."""

    path: str
    what: str
    """What lies in it, in words."""
    key: str
    """The setting that names it; empty where none does."""
    group: bool
    """Whether its group may read it."""
    others: bool
    """Whether everybody on the machine may."""
    writable: bool
    """Whether somebody beside its owner may change it."""
    holds_secret: bool = True
    is_socket: bool = False


class Expiry(NamedTuple):
    """When a certificate ends."""

    path: str
    days: float
    """From now; below 0: it has ended."""


class Machine(NamedTuple):
    """This machine, with what the settings name on it."""

    files: tuple[OpenFile, ...] = ()
    landlock: int = 7
    """Version of the kernel's Landlock; 0: none."""
    seccomp: bool = True
    """Whether system calls of an acceptor can be filtered here."""
    room: int = 1 << 31
    """Connections that the limit of open files leaves room for."""
    expiries: tuple[Expiry, ...] = ()


class Subject(NamedTuple):
    """All of it."""

    settings: Settings
    part: AcceptorPart
    """As an acceptor gets it: defaults of the profile are worked out in it."""
    machine: Machine

    @property
    def reach(self) -> Reach:
        """The widest of its addresses."""
        return max((reach(one) for one in self.settings.listen), key=list(Reach).index)

    @property
    def is_public(self) -> bool:
        """Whether others than this machine can reach the port."""
        return self.reach is not Reach.MACHINE

    @property
    def is_protected(self) -> bool:
        """Whether any method of authentication is in force."""
        return bool(self.part.auth.tokens or self.part.auth.api_keys)


def reach(address: ListenAddress) -> Reach:
    """Of one address. A name counts as public: what it stands for may change."""
    if address.is_loopback():
        return Reach.MACHINE
    try:
        ip = ipaddress.ip_address(address.host)
    except ValueError:
        return Reach.EVERYBODY
    return Reach.NETWORK if ip.is_private and not ip.is_unspecified else Reach.EVERYBODY
