"""What a run needs of the store behind its instance, be it the stand-in or a real Elasticsearch."""

from __future__ import annotations

from typing import Protocol

from tidegate.cli.prove.bulk import Stored
from tidegate.cli.prove.plan import Mood


class Store(Protocol):
    """Both have it."""

    name: str
    """In words, for the table."""
    stored: Stored
    """What is stored, as far as it was looked at."""
    lost_answers: int
    mood: Mood

    @property
    def url(self) -> str:
        """Where the instance finds it."""

    def arrived(self) -> set[int]:
        """The events that it has decided on: stored, or refused for what is in them. Raises Trouble."""

    def close(self) -> None:
        """Ends what was opened."""
