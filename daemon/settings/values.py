"""Typed look-ups in a table of values by the settings that declare them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from tidegate.daemon.settings.declare import Setting

T = TypeVar("T")


class Values:
    """What was given; everything else has its default."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = dict(given)

    def __getitem__(self, setting: Setting[T]) -> T:
        return cast(T, self._given.get(setting.key, setting.default))

    def __contains__(self, setting: Setting[Any]) -> bool:
        """Whether it was given, with a value of its kind."""
        return setting.key in self._given
