"""A bounded memo: what is asked again and again is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Memo(dict[Key, Value], Generic[Key, Value]):
    """`memo[key]` is `compute(key)`, kept as long as the weights of all keys stay within `budget`.

    When full it starts over: the keys in use come back at once, and no order needs to be kept. A key heavier than a
    sixteenth of the budget is never kept, so that one sender's long keys cannot push out everybody else's.
    """

    __slots__ = ("_budget", "_compute", "_heaviest", "_spent", "_weigh")

    def __init__(self, compute: Callable[[Key], Value], budget: int, weigh: Callable[[Key], int]) -> None:
        super().__init__()
        self._compute = compute
        self._budget = budget
        self._heaviest = budget // 16
        self._weigh = weigh
        self._spent = 0

    def __missing__(self, key: Key) -> Value:
        value = self._compute(key)
        weight = self._weigh(key)
        if weight <= self._heaviest:
            if self._spent + weight > self._budget:
                self.clear()
                self._spent = 0
            self._spent += weight
            self[key] = value
        return value


TEXT_BUDGET = 256 * 1024
"""For memos of short texts: a few thousand entries, more than the distinct label and header names of a big site."""

ENTRY_WEIGHT = 64
"""What an entry costs beside its characters."""


def text_memo(compute: Callable[[str], Value]) -> Memo[str, Value]:
    """A memo of texts, weighed by their characters."""
    return Memo(compute, TEXT_BUDGET, lambda text: len(text) + ENTRY_WEIGHT)
