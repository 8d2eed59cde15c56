"""Experiment 29: cases made by the rules of what is attacked, against an oracle. `TIDEGATE_FUZZ_CASES` says how many of each (the
experiment itself takes a million), `TIDEGATE_FUZZ_SEED` where they begin; a case that fails says its seed."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h11
import pytest
from decode_lines import agree, corpus_lines
from tidegate.daemon.h1.connection import BodyData, BodyEnd, H1Connection
from tidegate.daemon.h1.cutter import Cutter, Lines, MetadataLine, TooLong, UnendedMetadata
from tidegate.daemon.h1.request_head import RequestHead
from tidegate.workers.decode.accept import accept_event, accept_metadata
from tidegate.workers.decode.exact import exact_event, exact_metadata
from tidegate.workers.decode.lines import Refused, read_event, read_metadata

CASES = int(os.environ.get("TIDEGATE_FUZZ_CASES", "600"))
SEED = int(os.environ.get("TIDEGATE_FUZZ_SEED", "29"))


def cases() -> Iterator[tuple[int, random.Random]]:
    """The seed of each case, and its dice."""
    for number in range(CASES):
        yield SEED + number, random.Random(SEED + number)


def pieces(data: bytes, dice: random.Random) -> Iterator[bytes]:
    """The data cut at random places, or whole."""
    most = dice.choice([1, 7, 100, 70_000])
    at = 0
    while at < len(data):
        size = dice.randint(1, most)
        yield data[at : at + size]
        at += size


# --------------------------------------------------------------------------------------------------------------- HTTP

METHODS = [b"GET", b"POST", b"HEAD", b"PUT", b"CONNECT", b"get", b"P\0ST", b""]
TARGETS = [b"/", b"/intake/v2/events", b"/a?b=c", b"*", b"http://x/", b"/\x7f", b"/ x"]
VERSIONS = [b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/11", b"http/1.1"]
NAMES = [b"Host", b"Content-Length", b"Transfer-Encoding", b"Expect", b"Connection", b"X", b"x ", b"", b" x", b"\xff"]
VALUES = [
    b"x",
    b"0",
    b"3",
    b"5",
    b"+5",
    b"0x5",
    b"chunked",
    b",chunked",
    b"gzip",
    b"close",
    b"keep-alive",
    b"100-continue",
]
VALUES += [b"", b"a\0b", b"a\rb", b"\t5", b"5, 5", b"1" * 22]
ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\n ", b"\r\n\r\n"]
SIZES = [b"1", b"5", b"3;a=b", b"0", b"0x3", b"+3", b"3_0", b"", b" 3", b"ffffffffffffffffffff", b"A"]


def http_bytes(dice: random.Random) -> bytes:
    """Some requests on a connection, most of them nearly right."""
    out = b""
    for _ in range(dice.randint(1, 4)):
        out += dice.choice(METHODS[: dice.choice([2, 8])]) + b" " + dice.choice(TARGETS[: dice.choice([3, 7])]) + b" "
        out += dice.choice(VERSIONS) + dice.choice(ENDS) + b"Host: x\r\n"
        for _ in range(dice.randint(0, 3)):
            out += dice.choice(NAMES[1 : dice.choice([3, 6, 10])]) + b":" + dice.choice([b" ", b"", b"  "])
            out += dice.choice(VALUES) + dice.choice(ENDS)
        out += b"\r\n"
        for _ in range(dice.randint(0, 2)):
            out += dice.choice([b"abc", b"abcde", dice.choice(SIZES) + dice.choice(ENDS) + b"abc" + dice.choice(ENDS)])
        out += dice.choice([b"", b"", b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n"])
    return out


Request = tuple[bytes, bytes, bytes]


def ours(data: list[bytes]) -> list[Request]:
    """Method, target and body of each complete request that Tidegate sees."""
    connection = H1Connection(8192)
    found: list[Request] = []
    head, body = None, b""
    for piece in data:
        connection.feed(piece)
        while (event := connection.next()) is not None:
            if isinstance(event, RequestHead):
                head, body = event, b""
            elif isinstance(event, BodyData):
                body += event.data
            elif isinstance(event, BodyEnd) and head is not None:
                found.append((head.method.encode("latin-1"), head.target.encode("latin-1"), body))
                if not connection.answer(keep=True):
                    return found
                connection.next_cycle()
            else:
                return found
    return found


def oracle(data: bytes) -> list[Request]:
    """The same as h11 alone sees them."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    found: list[Request] = []
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                method, target, body = event.method, event.target, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found.append((method, target, body))
                connection.send(h11.Response(status_code=404, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
                connection.start_next_cycle()
            else:
                return found
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        return found


def test_experiment_29_no_request_is_seen_that_h11_does_not_see() -> None:
    seen = 0
    for seed, dice in cases():
        data = http_bytes(dice)
        whole = ours([data])
        assert whole == oracle(data)[: len(whole)], (seed, data)
        assert ours(list(pieces(data, dice))) == whole, (seed, data)
        seen += len(whole)
    assert seen > CASES // 20, "enough of them are requests"


# -------------------------------------------------------------------------------------------------------------- lines


def cut(data: bytes, dice: random.Random, batch: int, longest: int, most: int) -> list[object]:
    """What the cutter makes of it: metadata, batches, lines that are too long."""
    cutter = Cutter(batch, longest, most)
    found: list[object] = []
    for whole in pieces(data, dice):
        for at in range(0, len(whole), cutter.step):
            cutter.feed(whole[at : at + cutter.step])
            while (one := cutter.next()) is not None:
                found.append(one)
            if dice.random() < 0.05 and (lines := cutter.take()):
                found.append(Lines(lines))
    cutter.finish(whole=True)
    while (one := cutter.next()) is not None:
        found.append(one)
    return found


def test_experiment_29_every_line_comes_once_and_in_order() -> None:
    for seed, dice in cases():
        longest = dice.choice([5, 40, 200])
        sizes = [0, 1, 3, longest - 2, longest - 1, longest, longest * 3]
        lines = [dice.choice(b"abc").to_bytes(1, "big") * dice.choice(sizes) for _ in range(dice.randint(1, 30))]
        data = b"\n".join(lines) + dice.choice([b"", b"\n"])
        found = cut(data, dice, dice.choice([10, 64, 500]), longest, dice.choice([0, 0, 1, 10]))
        came: list[bytes] = []
        for one in found:
            if isinstance(one, MetadataLine | UnendedMetadata):
                came.append(one.line)
            elif isinstance(one, TooLong):
                came.append(b"too long")
            elif isinstance(one, Lines):
                came += one.data.removesuffix(b"\n").split(b"\n")
        expected = [b"too long" if len(line) >= longest else line for line in lines]
        assert [line for line in came if line] == [line for line in expected if line], (seed, data)


# ------------------------------------------------------------------------------------------------------------- events

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**63,
    2**64,
    1.5,
    -0.0,
    1e300,
    "",
    "x" * 1025,
    "\0",
    "\ud800",
    [],
    {},
    [None],
    {"": 1},
]
ODD += [{"a": {"b": {"c": []}}}, "2025-01-01T00:00:00Z", "12", [1, "2"], {"value": 1, "values": [1]}]
KEYS = ["id", "name", "type", "context", "x", "Id", "timestamp", "samples", "tags", "n", "t", "", "otel", "message"]


def spoil(value: Any, dice: random.Random) -> Any:
    """The value with one place of it changed."""
    if not isinstance(value, dict | list) or not value or dice.random() < 0.15:
        return dice.choice(ODD)
    if isinstance(value, list):
        at = dice.randrange(len(value))
        return [*value[:at], spoil(value[at], dice), *value[at + 1 :]]
    changed = dict(value)
    key = dice.choice(list(changed))
    way = dice.random()
    if way < 0.6:
        changed[key] = spoil(changed[key], dice)
    elif way < 0.8:
        del changed[key]
    else:
        changed[dice.choice(KEYS)] = dice.choice(ODD)
    return changed


@pytest.fixture(scope="module")
def recorded(shared: Path) -> dict[bool, list[Any]]:
    """Values of recorded lines; True: of browsers."""
    found: dict[bool, list[Any]] = {False: [], True: []}
    for agent, lines in corpus_lines(shared).items():
        for line in lines:
            # A real agent sends one that is no JSON.
            with suppress(ValueError):
                found["rum" in agent or "js-base" in agent].append(json.loads(line))
    return found


def spoiled(values: list[Any], dice: random.Random) -> bytes:
    value = dice.choice(values)
    for _ in range(dice.choice([0, 1, 1, 2, 5])):
        value = spoil(value, dice)
    return json.dumps(value, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")


def test_experiment_29_the_quick_path_takes_what_the_exact_one_takes(recorded: dict[bool, list[Any]]) -> None:
    taken = 0
    for seed, dice in cases():
        line = spoiled(recorded[False], dice)
        try:
            taken += agree(line, accept_event, exact_event)
            agree(line, accept_metadata, exact_metadata)
        except AssertionError as difference:
            raise AssertionError(f"seed {seed}") from difference
    assert taken > CASES // 20, "enough of them are events"


def test_experiment_29_browsers_lines_are_events_or_refused(recorded: dict[bool, list[Any]]) -> None:
    values = recorded[True] or recorded[False]
    for seed, dice in cases():
        line = spoiled(values, dice)
        if dice.random() < 0.3:
            at = dice.randrange(len(line) + 1)
            line = line[:at] + dice.randbytes(dice.randint(0, 3)) + line[at + dice.randint(0, 3) :]
        for read in (read_event, read_metadata):
            try:
                read(line)
            except Refused as refusal:
                refusal.message.encode()
            except Exception as wrong:
                raise AssertionError(f"seed {seed}: {line!r}") from wrong
