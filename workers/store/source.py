"""What every source of rules promises; agent configuration is read from one, again and again (`configurations.py`). Pure."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from tidegate.workers.store.rules import Rule


class Reading(NamedTuple):
    """All rules that there are."""

    rules: list[Rule]
    left_out: int = 0
    """Rules that are too large, or too many."""


class CannotRead(Exception):
    """The rules cannot be read now; the message says why, for the log."""


class NotPermitted(CannotRead):
    """The store says that our credentials do not suffice."""


class NothingKept(CannotRead):
    """There is no place for rules yet; whoever writes the first one makes it."""


class RuleSource(Protocol):
    """Calls come from one thread at a time."""

    interval: float
    """Seconds between two readings."""

    def read(self) -> Reading | None:
        """All rules, with I/O; None when nothing changed since the last reading. Raises CannotRead."""

    def close(self) -> None:
        """Ends connections; a `read` under way fails soon."""
