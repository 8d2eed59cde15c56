"""What has come from several senders, taken one from each in turn. Pure."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Rounds(Generic[Item]):
    """Queues by sender; a sender with nothing in it takes no place."""

    def __init__(self) -> None:
        self._queues: dict[bytes, deque[Item]] = {}

    def __bool__(self) -> bool:
        return bool(self._queues)

    def add(self, sender: bytes, item: Item) -> None:
        """Puts it behind the sender's others."""
        self._queues.setdefault(sender, deque()).append(item)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def remove(self, sender: bytes, item: Item) -> None:
        """Takes it out, wherever it is; nothing if it is gone already."""
        queue = self._queues.get(sender)
        if queue is not None and item in queue:
            queue.remove(item)
            if not queue:
                del self._queues[sender]

    def take(self) -> Item:
        """The next sender's oldest. Raises StopIteration when there is none."""
        sender = next(iter(self._queues))
        queue = self._queues.pop(sender)
        item = queue.popleft()
        if queue:
            # Behind the others.
            self._queues[sender] = queue
        return item
