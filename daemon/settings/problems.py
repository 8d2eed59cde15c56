"""Where a setting came from, and what can be wrong with it; every problem is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Origin(NamedTuple):
    """Where a value was given."""

    place: str
    """`default`, `-E`, the path of a file, or words such as `environment STATE_DIRECTORY`."""
    line: int = 0
    """In the file, from 1; 0 where there are no lines."""
    through: tuple[str, ...] = ()
    """Variables that took part in the value, such as `environment ELASTIC_PASSWORD`; never their contents."""

    def __str__(self) -> str:
        place = f"{self.place}:{self.line}" if self.line else self.place
        return f"{place} ({', '.join(self.through)})" if self.through else place


DEFAULT = Origin("default")
COMMAND_LINE = Origin("-E")


class Problem(NamedTuple):
    """Why the settings cannot be used: one mistake."""

    key: str
    """Dotted; empty for what concerns the file as a whole."""
    text: str
    """What is wrong and what to do; never the value of a secret."""
    origin: Origin = DEFAULT

    def __str__(self) -> str:
        where = "" if self.origin.place == "default" else f"{self.origin._replace(through=())}: "
        return f"{where}{self.key}: {self.text}" if self.key else f"{where}{self.text}"


class SettingsError(Exception):
    """The settings cannot be used; `problems` holds all that is wrong, `warnings` what else was noticed."""

    def __init__(self, problems: Sequence[Problem], warnings: Sequence[str] = ()) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
        self.warnings = tuple(warnings)
