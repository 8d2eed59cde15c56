"""A request that waits at the door until a worker has answered as whom it is served."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.daemon.api.result import TIMED_OUT
from tidegate.daemon.h1.exchange import BodySink, Exchange


class Awaited:
    """A `BodySink` in place of the handler's own, which is not there yet. The exchange stays paused meanwhile."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._sink: BodySink | None = None
        self._waits = True
        self._ended: Callable[[BodySink], None] | None = None

    @property
    def waits(self) -> bool:
        """Whether the request is still to be decided about: it is neither answered nor let in."""
        return self._waits

    def go_on(self, begin: Callable[[], BodySink | None]) -> None:
        """Lets the request in: what happened to its body meanwhile is told to the handler's sink."""
        if not self._waits:
            return
        self._waits = False
        self._sink = begin()
        if self._sink is not None and self._ended is not None:
            self._ended(self._sink)

    # What the protocol calls.

    def data(self, piece: bytes) -> None:
        if self._sink is not None:
            self._sink.data(piece)

    def end(self) -> None:
        self._ends(lambda sink: sink.end())

    def broken(self, text: str) -> None:
        self._ends(lambda sink: sink.broken(text))

    def lost(self) -> None:
        if self._sink is not None:
            self._sink.lost()
        else:
            self._give_up()

    def expire(self) -> None:
        if self._sink is not None:
            self._sink.expire()
        else:
            self._give_up()

    def failed(self) -> None:
        self._waits = False
        if self._sink is not None:
            self._sink.failed()

    def _ends(self, tell: Callable[[BodySink], None]) -> None:
        if self._sink is not None:
            tell(self._sink)
        elif self._waits:
            self._ended = tell

    def _give_up(self) -> None:
        if self._waits:
            self._waits = False
            self._exchange.answer(TIMED_OUT)
