"""What a run needs of the store behind its instance, be it the stand-in or a real Elasticsearch."""

from __future__ import annotations

from typing import Protocol

from tidegate.cli.prove.plan import Mood


class Store(Protocol):
    """Both have it."""

    mood: Mood

    def arrived(self) -> set[int]:
        """The events that it has decided on: stored, or refused for what is in them."""
