"""How long to wait before a dead child gets a successor. Pure; one instance for each child's place."""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0
FREE_RESTARTS = 3
"""Deaths within the window that cost no delay: a single kill or a bad moment should not be felt."""
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0


class RestartDelay:
    """Grows with the number of deaths in the last minute."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=64)

    def after_death(self, now: float) -> float:
        """Seconds to wait; `now` is monotonic, in seconds."""
        self._deaths.append(now)
        while self._deaths[0] < now - WINDOW_S:
            self._deaths.popleft()
        excess = len(self._deaths) - FREE_RESTARTS
        if excess <= 0:
            return 0.0
        return float(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (excess - 1)))
