"""What all connections hold together."""

from __future__ import annotations

from collections.abc import Callable

from tidegate.daemon.limits.holdings import ECHO_BYTES, NOTED_BYTES, SHORT_DOCUMENT_BYTES, Holdings

MOST = 1_000_000


class Connection:
    """Gives up on demand, and then holds `rest` bytes."""

    def __init__(self, holdings: Holdings, rest: int = 0) -> None:
        self.holdings = holdings
        self.rest = rest
        self.gave_up = 0

    def holds(self, held: int, echoed: int = 0) -> bool:
        return self.holdings.note(self, held, echoed)

    def give_up(self) -> None:
        self.gave_up += 1
        self.holds(self.rest)


class Scene:
    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.told: list[int] = []
        self.holdings = Holdings(MOST, self.soon.append, self.told.append)

    def connections(self, count: int, rest: int = 0) -> list[Connection]:
        return [Connection(self.holdings, rest) for _ in range(count)]

    def settle(self) -> None:
        while self.soon:
            self.soon.pop()()


def test_sums_what_is_worth_noting_and_forgets_it() -> None:
    scene = Scene()
    first, second, small = scene.connections(3)
    assert (first.holds(100_000, 50_000), second.holds(20_000), small.holds(NOTED_BYTES - 1)) == (True, True, False)
    assert (scene.holdings.held, scene.holdings.echoed) == (170_000, 50_000)
    assert first.holds(30_000)
    assert (scene.holdings.held, scene.holdings.echoed) == (50_000, 0)
    assert not second.holds(1)
    scene.holdings.forget(first)
    scene.holdings.forget(first)
    assert (scene.holdings.held, scene.holdings.echoed) == (0, 0)


def test_above_the_limit_those_give_up_that_moved_least_recently() -> None:
    scene = Scene()
    connections = scene.connections(11)
    for connection in connections[:10]:
        connection.holds(100_000)
    connections[0].holds(100_000)
    assert not scene.soon, "the limit itself is allowed"
    connections[10].holds(100_000)
    assert not scene.told, "not in the middle of what its noter does"
    scene.settle()
    assert [connection.gave_up for connection in connections] == [0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert scene.holdings.held == 700_000 and scene.told == [4]


def test_who_cannot_give_up_is_asked_once() -> None:
    scene = Scene()
    connections = scene.connections(4, rest=300_000)
    for connection in connections:
        connection.holds(300_000)
    scene.settle()
    assert [connection.gave_up for connection in connections] == [1, 1, 1, 1]


def test_what_is_over_before_it_is_looked_at_costs_nobody_anything() -> None:
    scene = Scene()
    one, other = scene.connections(2)
    one.holds(MOST)
    other.holds(MOST)
    scene.holdings.forget(one)
    scene.settle()
    assert (other.gave_up, scene.told) == (0, [])


def test_documents_in_answers_are_short_when_many_answers_wait() -> None:
    scene = Scene()
    (one,) = scene.connections(1)
    assert scene.holdings.document_bytes(300_000) == 300_000
    one.holds(0, ECHO_BYTES)
    assert scene.holdings.document_bytes(300_000) == SHORT_DOCUMENT_BYTES
    assert scene.holdings.document_bytes(100) == 100
    scene.holdings.forget(one)
    assert scene.holdings.document_bytes(300_000) == 300_000
