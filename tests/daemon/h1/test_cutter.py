"""Cutting: against a plain reading of the rules, at every split."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.h1.cutter import Cut, Cutter, Lines, MetadataLine, TooLong, UnendedMetadata


def run(pieces: list[bytes], batch: int, longest: int, whole: bool = True) -> list[Cut]:
    cutter = Cutter(batch, longest)
    found = []

    def drain() -> bool:
        while (cut := cutter.next()) is not None:
            found.append(cut)
            if isinstance(cut, TooLong) and cut.metadata:
                return False
        return True

    for piece in pieces:
        for at in range(0, len(piece), cutter.step):
            cutter.feed(piece[at : at + cutter.step])
            if not drain():
                return found
    cutter.finish(whole)
    drain()
    assert cutter.size == 0
    return found


def plain_reading(data: bytes, longest: int, whole: bool = True) -> list[object]:
    """The rules of http-surface.md 2.2, line by line: lines as bytes, lines that are too long as their beginnings."""
    *lines, last = data.split(b"\n")
    found: list[object] = []
    for number, line in enumerate([*lines, last]):
        ended = number < len(lines)
        if not ended and (not line or (len(line) < longest and not whole)):
            continue
        if len(line) >= longest:
            found.append(TooLong(line[:longest], number == 0))
        elif number == 0:
            found.append(MetadataLine(line) if ended else UnendedMetadata(line))
        else:
            found.append(line + b"\n" * ended)
        if number == 0 and not isinstance(found[0], MetadataLine):
            break
    return found


def flat(cuts: list[Cut]) -> list[object]:
    """Batches taken apart into lines."""
    found: list[object] = []
    for cut in cuts:
        found.extend(cut.data.splitlines(keepends=True) if isinstance(cut, Lines) else [cut])
    return found


@given(
    st.lists(st.binary(max_size=8).map(lambda data: data.replace(b"\n", b"")), max_size=60),
    st.integers(1, 10),
    st.lists(st.integers(0, 400), max_size=5),
    st.booleans(),
)
def test_batches_of_some_lines(lines: list[bytes], most: int, splits: list[int], whole: bool) -> None:
    data = b"m\n" + b"\n".join(lines)
    places = sorted({0, len(data), *(place for place in splits if place < len(data))})
    cutter = Cutter(100, 100, most)
    batches = []
    for begin, end in pairwise(places):
        cutter.feed(data[begin:end])
        batches += [cut.data for cut in iter(cutter.next, None) if isinstance(cut, Lines)]
    cutter.finish(whole)
    batches += [cut.data for cut in iter(cutter.next, None) if isinstance(cut, Lines)]
    ended = data if whole else data[: data.rfind(b"\n") + 1]
    assert b"".join(batches) == ended[2:]
    counts = [sum(map(bool, batch.split(b"\n"))) for batch in batches]
    assert all(count <= most for count in counts)
    sizes = [len(batch) for batch in batches]
    assert all(count == most or size > 85 for count, size in zip(counts[:-1], sizes[:-1], strict=True))


CASES: list[tuple[bytes, list[Cut]]] = [
    (b"", []),
    (b"m", [UnendedMetadata(b"m")]),
    (b"m\n", [MetadataLine(b"m")]),
    (b"\nab\n", [MetadataLine(b""), Lines(b"ab\n")]),
    (b"m\na\nb", [MetadataLine(b"m"), Lines(b"a\nb")]),
    (b"m\n\n\na\n\n", [MetadataLine(b"m"), Lines(b"\n\na\n\n")]),
    (b"m\n" + b"a" * 9 + b"\n", [MetadataLine(b"m"), Lines(b"a" * 9 + b"\n")]),
    (b"m\n" + b"a" * 9, [MetadataLine(b"m"), Lines(b"a" * 9)]),
    (b"m\n" + b"a" * 10 + b"\n", [MetadataLine(b"m"), TooLong(b"a" * 10, False)]),
    (b"m\n" + b"a" * 10, [MetadataLine(b"m"), TooLong(b"a" * 10, False)]),
    (b"m\nx\n" + b"a" * 30 + b"\ny\n", [MetadataLine(b"m"), Lines(b"x\n"), TooLong(b"a" * 10, False), Lines(b"y\n")]),
    (b"m" * 10 + b"\nx\n", [TooLong(b"m" * 10, True)]),
    (b"m" * 10, [TooLong(b"m" * 10, True)]),
]


@pytest.mark.parametrize(("data", "expected"), CASES)
def test_check_12_lines_and_those_that_are_too_long(data: bytes, expected: list[Cut]) -> None:
    assert run([data], 100, 10) == expected
    assert run([bytes([byte]) for byte in data], 100, 10) == expected
    for at in range(len(data)):
        assert run([data[:at], data[at:]], 100, 10) == expected


bodies = st.lists(st.integers(0, 40), max_size=30).map(lambda sizes: b"\n".join(b"a" * size for size in sizes))


@given(bodies, st.lists(st.integers(1, 50), max_size=20), st.integers(2, 60), st.integers(2, 45), st.booleans())
def test_any_split_reads_as_the_rules_say(data: bytes, sizes: list[int], batch: int, longest: int, whole: bool) -> None:
    pieces, rest = [], data
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    cuts = run([*pieces, rest], batch, longest, whole)
    assert flat(cuts) == plain_reading(data, longest, whole)
    for cut in cuts:
        if isinstance(cut, Lines):
            assert cut.data
            lines = cut.data.splitlines(keepends=True)
            assert len(cut.data) <= batch or len(lines) == 1


def test_batches_are_close_to_their_size() -> None:
    data = b"m\n" + b"".join(b"%04d" % number * 100 + b"\n" for number in range(2000))
    sizes = [len(cut.data) for cut in run([data], 65536, 300_000) if isinstance(cut, Lines)]
    assert min(sizes[:-1]) > 65536 - 401
    assert max(sizes) <= 65536


def test_take_gives_the_whole_lines_so_far() -> None:
    cutter = Cutter(100, 50)
    cutter.feed(b"m\na\nb\nc")
    assert cutter.next() == MetadataLine(b"m")
    assert cutter.next() is None
    assert cutter.size == 4
    assert cutter.take() == b"a\nb\n"
    assert cutter.take() == b""
    cutter.feed(b"d\n")
    assert cutter.next() is None
    assert cutter.take() == b"cd\n"
