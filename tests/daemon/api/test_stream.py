"""The intake stream with fake workers: credit, order, refusals, loss."""

from __future__ import annotations

import gzip
import itertools
from typing import Any

import pytest
from http_scenes import StreamScene
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.api.gate import Gate
from tidegate.daemon.api.stream import BATCH_BYTES, MOST_BAD_LINES
from tidegate.daemon.outcomes import RequestOutcome
from tidegate.daemon.wire.frames import LineError, StreamError

META = b'{"metadata":{}}\n'
LINE = b'{"log":{"message":"%05d"}}\n'
LINES = [LINE % number for number in range(20_000)]
LONG = "event exceeded the permitted size"


def test_a_small_body_is_one_parcel() -> None:
    setup = StreamScene()
    setup.send(META + LINES[0] + LINES[1])
    (parcel,) = setup.courier.parcels
    assert (parcel.number, parcel.base, parcel.metadata) == (0, b"{base}", META[:-1])
    assert parcel.lines == LINES[0] + LINES[1]
    assert parcel.received_ns == setup.exchange.received_ns
    assert len(parcel.batch_id) == 16
    assert not setup.exchange.answers
    setup.courier.answer_all()
    assert (setup.exchange.status, setup.exchange.body) == (202, {"accepted": 2})


def test_without_verbose_success_has_no_body() -> None:
    setup = StreamScene(verbose=False, at_once=True)
    setup.send(META + LINES[0])
    assert (setup.exchange.status, setup.exchange.body) == (202, None)


@pytest.mark.parametrize("encoding", [b"", b"gzip"])
@pytest.mark.parametrize("size", [65536, 1000])
def test_a_large_body_becomes_numbered_parcels_of_whole_lines(encoding: bytes, size: int) -> None:
    setup = StreamScene(encoding=encoding)
    body = META + b"".join(LINES)
    setup.send(gzip.compress(body, mtime=0) if encoding else body, size)
    parcels = setup.courier.parcels
    assert [parcel.number for parcel in parcels] == list(range(len(parcels)))
    assert len({parcel.batch_id for parcel in parcels}) == len(parcels)
    assert {parcel.metadata for parcel in parcels} == {META[:-1]}
    assert all(parcel.lines.endswith(b"\n") and len(parcel.lines) <= BATCH_BYTES for parcel in parcels)
    assert setup.courier.lines == b"".join(LINES)
    setup.courier.answer_all()
    assert setup.exchange.body == {"accepted": len(LINES)}


def test_an_empty_body_is_a_success_without_a_parcel() -> None:
    setup = StreamScene()
    setup.send(b"")
    assert (setup.exchange.status, setup.exchange.body, setup.courier.parcels) == (202, {"accepted": 0}, [])


def test_metadata_alone_is_looked_at_by_a_worker() -> None:
    setup = StreamScene()
    setup.send(META)
    (parcel,) = setup.courier.parcels
    assert (parcel.metadata, parcel.lines) == (META[:-1], b"")
    setup.courier.answer(0, ended=StreamError(400, "validation error: 'metadata' required", META[:-1]))
    assert setup.exchange.status == 400
    assert setup.errors == [("validation error: 'metadata' required", '{"metadata":{}}')]


@pytest.mark.parametrize(
    ("body", "settings", "error", "outcome"),
    [
        (b"\n" + LINES[0], {}, ('"metadata" or "m" required', None), RequestOutcome.INVALID),
        (META[:-1], {}, ("EOF while reading metadata", '{"metadata":{}}'), RequestOutcome.INVALID),
        (META + LINES[0], {"max_event_size": 15}, (LONG, '{"metadata":{}}'), RequestOutcome.TOO_LARGE),
        (META[:-1], {"max_event_size": 15}, (LONG, '{"metadata":{}}'), RequestOutcome.TOO_LARGE),
    ],
)
def test_bad_first_lines(
    body: bytes, settings: dict[str, Any], error: tuple[str, str | None], outcome: RequestOutcome
) -> None:
    setup = StreamScene(**settings)
    setup.send(body)
    assert (setup.exchange.status, setup.exchange.body["accepted"], setup.errors) == (400, 0, [error])
    assert setup.exchange.answers[0].headers == (("Connection", "Close"),)
    assert setup.exchange.answers[0].outcome is outcome
    assert not setup.courier.parcels


def test_bad_metadata_is_answered_without_waiting_for_the_body() -> None:
    setup = StreamScene()
    setup.send(META, end=False)
    setup.clock.advance(0.19)
    assert not setup.courier.parcels
    setup.clock.advance(0.02)
    setup.courier.answer(0, ended=StreamError(400, "validation error: 'metadata' required"))
    assert setup.exchange.status == 400
    assert not setup.exchange.wanted
    # Whatever the protocol still has to say is heard without harm.
    setup.stream.lost()


def test_errors_are_listed_in_the_order_of_lines_whatever_the_order_of_verdicts() -> None:
    setup = StreamScene(max_event_size=1000)
    long = b"a" * 1500 + b"\n"
    setup.send(META + LINES[0] + long + LINES[1] + long + long + LINES[2])
    assert len(setup.courier.parcels) == 3
    setup.courier.answer(2, accepted=0, failed=1, errors=[LineError(0, "third", b"3")])
    setup.courier.answer(0, accepted=1, failed=0)
    setup.courier.answer(1, accepted=0, failed=2, errors=[LineError(0, "second", b"2"), LineError(1, "next", b"")])
    assert [message for message, _ in setup.errors] == [LONG, "second", "next", LONG, LONG]
    assert setup.exchange.body["accepted"] == 1
    assert setup.errors[0][1] == "a" * 1000
    assert setup.errors[2] == ("next", None)
    assert setup.exchange.answers[0].outcome is RequestOutcome.TOO_LARGE


def test_a_stream_that_ends_lists_line_errors_first_and_its_own_last() -> None:
    setup = StreamScene(encoding=b"gzip")
    setup.send(gzip.compress(META + LINES[0] + LINES[1], mtime=0)[:-4])
    setup.courier.answer(0, accepted=1, failed=1, errors=[LineError(1, "bad", b"{")])
    assert setup.exchange.status == 500
    assert setup.errors == [("bad", "{"), ("cannot handle stream: unexpected EOF", None)]
    assert setup.exchange.body["accepted"] == 1


@pytest.mark.parametrize(
    ("body", "status", "message", "outcome"),
    [
        (META, 400, "data decoding error: gzip: invalid header", RequestOutcome.UNDECODABLE),
        (b"\x1f\x8b", 400, "data decoding error: unexpected EOF", RequestOutcome.UNDECODABLE),
        (gzip.compress(META * 9, mtime=0)[:-9], 500, "cannot handle stream: unexpected EOF", RequestOutcome.INTERNAL),
        (gzip.compress(META[:-1], mtime=0)[:-9], 400, "unexpected EOF", RequestOutcome.INVALID),
        (
            gzip.compress(META, mtime=0)[:-5] + b"12345",
            500,
            "cannot handle stream: gzip: invalid checksum",
            RequestOutcome.INTERNAL,
        ),
    ],
)
def test_damaged_bodies(body: bytes, status: int, message: str, outcome: RequestOutcome) -> None:
    setup = StreamScene(encoding=b"gzip", at_once=True)
    setup.send(body)
    assert (setup.exchange.status, setup.errors[-1]) == (status, (message, None))
    assert setup.exchange.answers[0].outcome is outcome


@pytest.mark.parametrize(
    ("body", "status", "message", "sent"),
    [
        (b"", 400, "data decoding error: invalid byte", b""),
        (META[:-3], 400, "invalid byte", b""),
        (META + LINES[0] + LINES[1][:-3], 500, "cannot handle stream: invalid byte", LINES[0]),
    ],
)
def test_damaged_chunk_framing(body: bytes, status: int, message: str, sent: bytes) -> None:
    setup = StreamScene(at_once=True)
    setup.send(body, end=False)
    setup.stream.broken("invalid byte")
    assert (setup.exchange.status, setup.errors) == (status, [(message, None)])
    assert setup.courier.lines == sent


def test_a_ceiling_ends_the_stream_after_the_lines_before_it() -> None:
    setup = StreamScene(at_once=True, max_body_size=100_000, encoding=b"gzip")
    setup.send(gzip.compress(META + b"".join(LINES), mtime=0), end=False)
    setup.stream.lost()
    assert setup.exchange.status == 400
    assert "tidegate.max_body_size" in setup.errors[-1][0]
    assert 0 < len(setup.courier.lines) <= 100_000
    assert setup.exchange.body["accepted"] == setup.courier.lines.count(b"\n")


@pytest.mark.parametrize("bad", [MOST_BAD_LINES, MOST_BAD_LINES + 1])
def test_a_stream_of_lines_that_are_no_events_ends(bad: int) -> None:
    setup = StreamScene()
    setup.send(META + b"".join(LINES[:3000]), end=False)
    setup.courier.answer(0, accepted=3, failed=bad, errors=[LineError(0, "bad", b"x")])
    setup.courier.answer_all()
    if bad <= MOST_BAD_LINES:
        assert not setup.exchange.answers
        return
    assert setup.exchange.status == 400
    assert [message for message, _ in setup.errors] == [
        "bad",
        f"cannot handle stream: more than {MOST_BAD_LINES} lines are no events",
    ]


def test_long_inflating_lets_others_have_their_turn() -> None:
    setup = StreamScene(at_once=True, encoding=b"gzip")
    setup.stream.data(gzip.compress(META + b"a" * 30_000_000 + b"\n" + LINES[0], mtime=0))
    turns = 0
    while not setup.exchange.wanted:
        turns += 1
        setup.clock.soon.popleft().call()
    assert turns > 20
    setup.stream.end()
    assert setup.exchange.body["accepted"] == 1
    assert setup.errors[0][0] == LONG


def test_the_gate_lets_one_in_after_another() -> None:
    gate = Gate(1)
    first, second, third = (StreamScene(gate=gate) for _ in range(3))
    assert first.exchange.wanted
    assert not second.exchange.wanted
    second.stream.lost()
    assert second.exchange.body == "request timed out"
    first.send(META + LINES[0])
    assert not third.exchange.wanted
    first.courier.answer_all()
    assert third.exchange.wanted
    third.stream.failed()
    assert StreamScene(gate=gate).exchange.wanted


def test_a_body_that_ended_at_the_gate_is_read_later() -> None:
    gate = Gate(1)
    first, second = StreamScene(gate=gate), StreamScene(gate=gate)
    second.stream.end()
    assert not second.exchange.answers
    gate.resize(2)
    assert second.exchange.body == {"accepted": 0}
    first.stream.failed()


@given(
    st.lists(st.integers(0, 3000), max_size=60),
    st.lists(st.sampled_from(["give", "verdict", "wait", "data"]), max_size=120),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_whatever_happens_lines_are_neither_lost_nor_doubled(
    sizes: list[int], actions: list[str], random: Any, pack: bool
) -> None:
    lines = [b"%04d" % number + b"x" * size + b"\n" for number, size in enumerate(sizes)]
    body = META + b"".join(lines)
    data = gzip.compress(body, mtime=0) if pack else body
    setup = StreamScene(credit=1, max_event_size=4000, queue_timeout=1e9)
    at = 0
    ended = False
    for action in itertools.chain(actions, itertools.cycle(["give", "verdict", "wait", "data"])):
        setup.clock.settle()
        if setup.exchange.answers:
            break
        if action == "give":
            setup.courier.give(1)
        elif action == "verdict" and setup.courier.unanswered:
            setup.courier.answer(random.choice(list(setup.courier.unanswered)))
        elif action == "wait":
            setup.clock.advance(0.15)
        elif action == "data" and setup.exchange.wanted and not ended:
            size = random.randint(200, 5000)
            if at < len(data):
                setup.stream.data(data[at : at + size])
                at += size
            else:
                setup.stream.end()
                ended = True
    assert setup.courier.lines == b"".join(lines)
    assert setup.exchange.body == {"accepted": len(lines)}
    assert [parcel.number for parcel in setup.courier.parcels] == list(range(len(setup.courier.parcels)))
