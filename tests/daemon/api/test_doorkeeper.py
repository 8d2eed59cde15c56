"""The door: API keys, requests that wait for them, and what becomes of those."""

from __future__ import annotations

import base64

import pytest
from http_fakes import FakeClock, FakeCourier, FakeExchange, RecordingSink, make_part
from tidegate.daemon.api.doorkeeper import Doorkeeper
from tidegate.daemon.api.key_desk import ANSWER_SECONDS, STRANGERS, KeyDesk
from tidegate.daemon.auth.failures import ADDRESSES, AT_ONCE, REMEMBERED, Failures
from tidegate.daemon.auth.identity import Method
from tidegate.daemon.auth.tokens import keyed_digest
from tidegate.daemon.h1.exchange import BodySink
from tidegate.daemon.limits.buckets import Buckets, MemoryTable
from tidegate.daemon.settings.parts import AnonymousPart, AuthPart, TokenPart
from tidegate.daemon.wire.questions import CheckApiKey, KeyPrivileges, Unavailable


class Door:
    """A doorkeeper with API keys and a token, and requests at it."""

    def __init__(self, limit: int = 100, anonymous: AnonymousPart | None = None) -> None:
        self.clock = FakeClock()
        self.courier = FakeCourier()
        digest = keyed_digest(b"key")
        self.part = make_part(auth=AuthPart([TokenPart("token", "", [], [])], True, limit, anonymous))
        desk = KeyDesk(self.courier, digest, self.clock, limit)
        self.keeper = Doorkeeper(self.part.auth, digest, desk, Failures(), Buckets(MemoryTable(10), 1))
        self.sinks: list[RecordingSink] = []

    def request(self, key: str = "id:key", *, tolerant: bool = False) -> tuple[FakeExchange, BodySink | None]:
        return self.present(b"ApiKey " + base64.b64encode(key.encode()), tolerant=tolerant)

    def present(
        self, credential: bytes, ip: str = "192.0.2.9", *, tolerant: bool = False
    ) -> tuple[FakeExchange, BodySink | None]:
        headers = [(b"authorization", credential), (b"x-real-ip", ip.encode())]
        exchange = FakeExchange(self.part, self.clock, headers)

        def go_on() -> RecordingSink:
            self.sinks.append(RecordingSink())
            return self.sinks[-1]

        return exchange, self.keeper.admit(exchange, tolerant, False, go_on)

    def stranger(self, *, tolerant: bool = False, browsers: bool = False, header: bytes | None = None) -> FakeExchange:
        """A request without a credential."""
        headers = [] if header is None else [(b"authorization", header)]
        exchange = FakeExchange(self.part, self.clock, headers)
        self.keeper.admit(exchange, tolerant, browsers, RecordingSink)
        return exchange

    def reply(self, *privileges: str) -> None:
        _, replied = self.courier.asked.pop(0)
        replied(KeyPrivileges(list(privileges)))


def test_a_key_is_asked_about_once() -> None:
    door = Door()
    first, _ = door.request()
    second, _ = door.request()
    [(ask, _)] = door.courier.asked
    assert ask == CheckApiKey(base64.b64encode(b"id:key").decode())
    door.reply("event:write")
    third, _ = door.request()
    assert [one.identity.method for one in (first, second, third)] == [Method.API_KEY] * 3
    assert (len(door.sinks), door.courier.asked) == (3, [])


def test_what_happens_to_the_body_meanwhile_is_told() -> None:
    door = Door()
    _, sink = door.request()
    assert sink is not None
    sink.end()
    assert door.sinks == []
    door.reply("event:write")
    assert door.sinks[0].events == ["end"]
    sink.lost()
    assert door.sinks[0].events == ["end", "lost"]


@pytest.mark.parametrize(("tolerant", "status"), [(False, 401), (True, None)])
def test_a_bad_key(tolerant: bool, status: int | None) -> None:
    door = Door()
    exchange, _ = door.request(tolerant=tolerant)
    door.reply()
    assert [answer.outcome.value.status for answer in exchange.answers] == ([] if status is None else [status])
    assert not tolerant or not exchange.identity.known


@pytest.mark.parametrize("tolerant", [False, True])
def test_check_18_a_key_that_cannot_be_checked_is_no_good_one(tolerant: bool) -> None:
    door = Door()
    exchange, _ = door.request(tolerant=tolerant)
    door.courier.asked.pop()[1](Unavailable("away"))
    assert (exchange.status, exchange.body) == (503, "service unavailable")
    again, _ = door.request()
    assert len(door.courier.asked) == 1, "a failure is not remembered"
    door.clock.advance(ANSWER_SECONDS + 1)
    assert again.status == 503
    door.reply("event:write")
    assert door.sinks == [], "too late"


def test_a_client_that_leaves() -> None:
    door = Door()
    exchange, sink = door.request()
    assert sink is not None
    sink.lost()
    assert exchange.status == 503
    door.reply("event:write")
    assert door.sinks == []


def test_check_18_more_keys_than_the_limit() -> None:
    door = Door(limit=1)
    door.request("a:a")
    door.reply("event:write")
    exchange, _ = door.request("b:b")
    assert (exchange.status, door.courier.asked) == (503, [])
    door.request("a:a")
    assert len(door.sinks) == 2


def test_check_19_wrong_tokens_are_slowed_down_and_the_right_one_never() -> None:
    door = Door()
    statuses = [door.present(b"Bearer wrong %d" % number)[0].status for number in range(AT_ONCE + 20)]
    assert statuses == [401] * AT_ONCE + [429] * 20
    last, _ = door.present(b"Bearer wrong again")
    assert last.answers[0].ends_connection
    assert door.present(b"Bearer wrong 0")[0].status == 401, "the same again is no guess"
    door.present(b"Bearer token")
    assert len(door.sinks) == 1
    assert door.present(b"Bearer other", "192.0.2.10")[0].status == 401
    door.clock.advance(2.0)
    assert door.present(b"Bearer later")[0].status == 401


def test_check_19_a_flood_of_random_keys_reaches_no_store_and_delays_no_good_key() -> None:
    door = Door()
    door.request("good:key")
    door.reply("event:write")
    for number in range(AT_ONCE):
        door.request(f"bad{number}:key")
        door.reply()
    turned_away, _ = door.request("one:more")
    assert (turned_away.status, door.courier.asked) == (429, [])
    stranger, _ = door.request("one:more", tolerant=True)
    assert (stranger.answers, stranger.identity.known) == ([], False)
    door.clock.advance(0.5)
    door.request("good:key")
    assert door.courier.asked == []
    door.clock.now += 61
    for number in range(AT_ONCE + 1):
        door.request(f"bad{number}:other")
    assert len(door.courier.asked) == AT_ONCE
    door.request("good:key")
    assert len(door.courier.asked) == AT_ONCE + 1, "a key that was good is asked about again at once"


def test_keys_that_are_good_or_cannot_be_checked_are_no_failures() -> None:
    door = Door()
    for number in range(2 * AT_ONCE):
        door.request(f"good{number}:key")
        if number % 2:
            door.reply("event:write")
        else:
            door.courier.asked.pop()[1](Unavailable("away"))
    assert len(door.sinks) == AT_ONCE


def test_what_is_remembered_of_failures_is_bounded() -> None:
    failures = Failures()
    for number in range(REMEMBERED + 10):
        failures.too_many(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", number.to_bytes(4, "big"), 0.0)
    assert (len(failures._wrong), len(failures._buckets._table._buckets)) == (REMEMBERED, ADDRESSES)  # type: ignore[attr-defined] # looks inside


def test_check_21_anonymous_senders_are_let_in_where_they_may() -> None:
    closed, on = Door(), Door(anonymous=AnonymousPart(["rum-js"], ["shop"], 1, False))
    assert closed.stranger(browsers=True).status == 401
    assert on.stranger(header=b"Bearer wrong").status == 401, "a wrong credential is no missing one"
    let_in = on.stranger(header=b"nonsense")
    assert (let_in.answers, let_in.identity.allow_agents, let_in.identity.allow_services) == (
        [],
        ("rum-js",),
        ("shop",),
    )
    assert let_in.identity.refused("event:write", "shop") == ""
    assert let_in.identity.refused("sourcemap:write")
    rum_only = Door(anonymous=AnonymousPart([], [], 1, True))
    assert rum_only.stranger().status == 401
    assert rum_only.stranger(browsers=True).answers == []


def test_each_request_of_an_anonymous_sender_takes_a_token() -> None:
    door = Door(anonymous=AnonymousPart([], [], 1, False))
    assert [len(door.stranger().answers) for _ in range(3)] == [0, 0, 0]
    refused = door.stranger()
    assert (refused.status, refused.body) == (429, "too many requests: rate limit exceeded")
    assert not refused.answers[0].ends_connection
    root = door.stranger(tolerant=True)
    assert (root.answers, root.identity.known) == ([], False)
    door.clock.advance(1.0)
    assert door.stranger().answers == []


def test_without_buckets_no_anonymous_sender_is_let_in() -> None:
    part = AuthPart([TokenPart("t", "", [], [])], False, 1, AnonymousPart([], [], 1, False))
    digest, clock = keyed_digest(b"key"), FakeClock()
    keeper = Doorkeeper(part, digest, KeyDesk(FakeCourier(), digest, clock, 1), Failures(), None)
    exchange = FakeExchange(make_part(), clock)
    assert keeper.admit(exchange, False, True, RecordingSink) is None
    assert exchange.status == 401


def test_check_18_a_flood_from_everywhere_leaves_room_for_keys_that_were_good() -> None:
    door = Door()
    door.request("good:key")
    door.reply("event:write")
    door.clock.advance(61)
    keys = [base64.b64encode(b"bad:%d" % number) for number in range(2 * STRANGERS)]
    asked = [door.present(b"ApiKey " + key, f"10.0.0.{number}")[0] for number, key in enumerate(keys)]
    assert len(door.courier.asked) == STRANGERS
    assert [exchange.status for exchange in asked if exchange.answers] == [503] * STRANGERS
    door.request("good:key")
    assert len(door.courier.asked) == STRANGERS + 1
