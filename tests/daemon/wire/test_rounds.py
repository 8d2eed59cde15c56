"""What several senders sent, one from each in turn."""

from __future__ import annotations

import pytest
from tidegate.daemon.wire.rounds import Rounds


def test_senders_have_turns_and_keep_their_own_order() -> None:
    rounds: Rounds[str] = Rounds()
    for item in ("x1", "x2", "x3", "y1", "z1", "y2"):
        rounds.add(item[:1].encode(), item)
    assert [rounds.take() for _ in range(3)] == ["x1", "y1", "z1"]
    rounds.add(b"z", "z2")
    assert [rounds.take() for _ in range(4)] == ["x2", "y2", "z2", "x3"]
    assert not rounds and not rounds._queues
    with pytest.raises(StopIteration):
        rounds.take()


def test_what_is_taken_out_is_not_taken() -> None:
    rounds: Rounds[str] = Rounds()
    for item in ("x1", "x2", "y1"):
        rounds.add(item[:1].encode(), item)
    rounds.remove(b"x", "x1")
    rounds.remove(b"y", "y1")
    rounds.remove(b"y", "y1")
    assert len(rounds) == 1 and rounds.take() == "x2"
    assert not rounds and not rounds._queues
