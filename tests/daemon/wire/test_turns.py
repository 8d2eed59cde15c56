"""Whose batch goes next when workers are busy."""

from __future__ import annotations

from tidegate.daemon.wire.turns import SHARE, Turns

SIZE = 64


class Rig:
    """Credit for some batches of `SIZE`, and streams that have endless batches."""

    def __init__(self, batches: int) -> None:
        self.turns = Turns()
        self.free = batches * SIZE
        self.sent: list[bytes] = []

    def stream(self, sender: bytes) -> None:
        """Sends as long as it may, then waits."""
        while self.free > 0 and self.turns.may_send(sender, self.free):
            self.turns.sent(sender, SIZE)
            self.free -= SIZE
            self.sent.append(sender)
        self.turns.wait(sender, b"", lambda: self.stream(sender))

    def verdict(self) -> None:
        """On the oldest batch."""
        self.turns.answered(self.sent.pop(0), SIZE)
        self.free += SIZE
        self.turns.wake(lambda: self.free)


def test_a_sender_alone_leaves_a_part_free_for_whoever_comes() -> None:
    rig = Rig(100)
    rig.stream(b"x")
    assert rig.free * (SHARE + 1) <= 100 * SIZE
    assert len(rig.sent) >= 75
    rig.stream(b"y")
    assert rig.sent[-1] == b"y" and rig.sent.count(b"y") > 10


def test_senders_have_turns_whatever_the_number_of_their_streams() -> None:
    rig = Rig(8)
    for _ in range(50):
        rig.stream(b"x")
    rig.stream(b"y")
    for _ in range(20):
        rig.verdict()
    assert rig.sent.count(b"y") >= 3, "half of what is in flight, give or take one"
    assert rig.free < SIZE * 3, "and nothing lies idle"


def test_streams_of_a_sender_come_in_turn_and_none_takes_all() -> None:
    rig = Rig(8)
    came: list[str] = []

    def stream(name: str) -> None:
        while rig.free > 0 and rig.turns.may_send(b"x", rig.free):
            rig.turns.sent(b"x", SIZE)
            rig.free -= SIZE
            rig.sent.append(b"x")
            came.append(name)
        rig.turns.wait(b"x", b"", lambda: stream(name))

    for name in "abc":
        stream(name)
    came.clear()
    for _ in range(6):
        rig.verdict()
    assert came == ["a", "b", "c", "a", "b", "c"]


def test_who_has_left_the_line_is_not_called() -> None:
    turns = Turns()
    called: list[int] = []
    places = [turns.wait(b"x", b"", lambda number=number: called.append(number)) for number in range(3)]  # type: ignore[misc] # a default binds it
    places[0].cancel()
    places[1].cancel()
    assert turns.waiting() == 1
    turns.wake(lambda: 1)
    assert called == [2]
    turns.wake(lambda: 1)
    assert not turns._lines and not turns._in_flight


def test_programs_behind_one_address_have_turns() -> None:
    turns = Turns()
    came: list[str] = []
    for number in range(30):
        turns.wait(b"x", b"flood", lambda number=number: came.append(f"flood {number}"))  # type: ignore[misc] # a default binds it
    turns.wait(b"x", b"good", lambda: came.append("good"))
    assert turns.waiting() == 31
    for _ in range(3):
        left = [1, 0]
        turns.wake(lambda left=left: left.pop(0))  # type: ignore[misc] # a default binds it
    assert came == ["flood 0", "good", "flood 1"]


def test_nothing_stays_of_those_who_gave_up_while_no_credit_came() -> None:
    turns = Turns()
    for number in range(100):
        turns.wait(b"x", b"metadata %d" % number, lambda: None).cancel()
    gone = turns.wait(b"x", b"metadata", lambda: None)
    turns.wake(lambda: 1 if turns.waiting() else 0)
    gone.cancel()
    assert turns.waiting() == 0 and not turns._lines
