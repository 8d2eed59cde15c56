"""What `tidegate exposure` finds: one thing somebody should change, or know. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple


class Severity(Enum):
    """How bad; the worst first."""

    CRITICAL = "critical"
    """Strangers get in where somebody believed that they do not, or nobody is kept out."""
    HIGH = "high"
    """One more step, such as a look at the wire or an account on the machine, and secrets or events are open."""
    MEDIUM = "medium"
    """A protection that a public port should have is off."""
    LOW = "low"
    """Wider than it needs to be."""
    NOTE = "note"
    """To be known; nothing has to change."""

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Severity).index(self)


class Finding(NamedTuple):
    """One of them."""

    id: str
    """For programs; stays the same over versions."""
    severity: Severity
    text: str
    """One sentence: what is so, and what follows."""
    key: str = ""
    """Of the setting to change; empty where none would help."""
    value: str = ""
    """What to set, or to do, in words."""


def sorted_by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; equals stay in their order."""
    return sorted(findings, key=lambda one: one.severity.rank)


def reaches(findings: Iterable[Finding], threshold: Severity) -> bool:
    """Whether one of them is as bad as the threshold, or worse."""
    return any(one.severity.rank <= threshold.rank for one in findings)
