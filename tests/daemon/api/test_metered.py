"""Streams that can be refused for what is in them: one batch at a time, and tokens for what the worker finds."""

from __future__ import annotations

import pytest
from http_fakes import FakeClock, FakeCourier
from tidegate.daemon.api.metered import LIMITED, MeteredCourier, terms_of
from tidegate.daemon.auth.identity import EVENT_WRITE, OPEN, Identity, Method, anonymous
from tidegate.daemon.limits.buckets import Buckets, MemoryTable, Purse
from tidegate.daemon.wire.courier import Parcel
from tidegate.daemon.wire.frames import LineError, StreamError, Verdict
from tidegate.daemon.wire.terms import UNLIMITED, Terms, unpack_terms


@pytest.mark.parametrize(
    ("identity", "terms"),
    [
        (OPEN, None),
        (Identity(Method.API_KEY, frozenset([EVENT_WRITE])), None),
        (
            Identity(Method.API_KEY, frozenset(["config_agent:read"])),
            Terms("API Key", 'unauthorized: API Key not permitted action "event:write"'),
        ),
        (anonymous(("rum-js",), ()), Terms("anonymous access", "", ("rum-js",), (), True)),
        (
            Identity(Method.TOKEN, frozenset([EVENT_WRITE]), (), ("shop",), "ci"),
            Terms('secret token "ci"', "", (), ("shop",)),
        ),
    ],
)
def test_who_sends_on_which_terms(identity: Identity, terms: Terms | None) -> None:
    packed = terms_of(identity)
    assert (unpack_terms(packed) if packed else None) == terms


class Rig:
    """A metered stream of an address with `rate` tokens a second, of which `spent` are gone."""

    def __init__(self, rate: float = 2, spent: int = 0, credit: int = 100) -> None:
        self.clock = FakeClock()
        self.courier = FakeCourier(credit)
        self.purse = Purse(Buckets(MemoryTable(10), rate), "192.0.2.1")
        if spent:
            self.purse.take(spent, self.clock.time(), 0.0)
        self.metered = MeteredCourier(self.courier, self.clock, b"terms", self.purse)
        self.verdicts: list[Verdict] = []

    def send(self, lines: int) -> bool:
        return self.metered.try_send(Parcel(b"i" * 16, 0, 0, b"", b"m", b"x\n" * lines), self.verdicts.append)

    def left(self) -> int:
        return self.purse.reserve(1000, self.clock.time())


def test_one_batch_is_in_flight() -> None:
    rig = Rig()
    called: list[bool] = []
    assert rig.send(2)
    assert (rig.courier.parcels[0].terms, rig.courier.parcels[0].tokens) == (b"terms", 2)
    assert not rig.send(1)
    rig.metered.when_credit(b"", b"", lambda: called.append(rig.send(1)))
    rig.courier.answer(0, accepted=2, events=2)
    assert (called, len(rig.courier.parcels)) == ([True], 2)


def test_unused_tokens_come_back() -> None:
    rig = Rig()
    rig.send(4)
    rig.courier.answer(0, accepted=1, failed=3, events=1)
    assert rig.left() == 5
    assert rig.verdicts[0].accepted == 1


def test_without_credit_no_token_is_taken() -> None:
    rig = Rig(credit=0)
    assert not rig.send(4)
    assert rig.left() == 6
    waiting = rig.metered.when_credit(b"", b"", lambda: None)
    assert len(rig.courier.line) == 1
    waiting.cancel()
    assert rig.courier.line == []


def test_a_batch_waits_for_tokens_a_second_at_most() -> None:
    rig = Rig(spent=4)
    rig.send(4)
    assert rig.courier.parcels[0].tokens == 2
    rig.courier.answer(0, failed=1, events=4)
    rig.clock.advance(0.9)
    assert len(rig.courier.parcels) == 1
    rig.clock.advance(0.2)
    assert rig.courier.parcels[1]._replace(tokens=2) == rig.courier.parcels[0]
    assert (rig.courier.parcels[1].tokens, rig.verdicts) == (4, [])
    rig.courier.answer(1, accepted=4, events=4)
    assert rig.verdicts[0].accepted == 4


def test_a_batch_that_would_wait_longer_is_refused_and_takes_nothing() -> None:
    rig = Rig(spent=4)
    rig.send(5)
    rig.courier.answer(0, failed=1, errors=[LineError(0, "bad", b"x")], events=5)
    assert rig.verdicts == [
        Verdict(b"", b"i" * 16, 0, failed=1, errors=[LineError(0, "bad", b"x")], ended=LIMITED, events=5)
    ]
    assert rig.left() == 2


def test_a_batch_larger_than_a_bucket_is_refused() -> None:
    rig = Rig()
    rig.send(7)
    rig.courier.answer(0, events=7)
    assert rig.verdicts[0].ended == LIMITED
    assert rig.left() == 6


def test_the_tokens_of_a_batch_that_is_not_permitted_are_gone() -> None:
    rig = Rig()
    rig.send(4)
    rig.courier.answer(0, ended=StreamError(403, "unauthorized"), events=4)
    assert rig.left() == 2


def test_after_the_wait_there_may_be_no_credit() -> None:
    rig = Rig(spent=4)
    rig.send(4)
    rig.courier.credit = 0
    rig.courier.answer(0, events=4)
    rig.clock.advance(1.1)
    assert len(rig.courier.parcels) == 1
    rig.courier.give(1)
    assert rig.courier.parcels[1].tokens == 4


def test_events_of_known_senders_are_not_counted() -> None:
    rig = Rig()
    metered = MeteredCourier(rig.courier, rig.clock, b"terms", None)
    assert metered.try_send(Parcel(b"i" * 16, 0, 0, b"", b"m", b"x\n"), rig.verdicts.append)
    assert rig.courier.parcels[0].tokens == UNLIMITED
    rig.courier.answer(0, accepted=1, events=1)
    assert len(rig.verdicts) == 1
