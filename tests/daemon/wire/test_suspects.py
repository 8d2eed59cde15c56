import pytest
from tidegate.daemon.wire.courier import Parcel
from tidegate.daemon.wire.frames import LineError, StreamError, Verdict
from tidegate.daemon.wire.suspects import SET_ASIDE, Case, Part, merge, set_aside, split


def case(lines: bytes, told: list[Verdict] | None = None) -> Part:
    parcel = Parcel(b"b" * 16, 0, 0, b"{}", b'{"metadata":1}', lines)
    return Part(Case(parcel, (told if told is not None else []).append), 0, lines)


@pytest.mark.parametrize(
    ("lines", "halves"),
    [
        (b"", None),
        (b"a\n", None),
        (b"a", None),
        (b"a\nb\n", ((0, b"a\n"), (1, b"b\n"))),
        (b"a\nb", ((0, b"a\n"), (1, b"b"))),
        (b"a\n\nc\n", ((0, b"a\n"), (1, b"\nc\n"))),
        (b"a\nb\nc\nd\n", ((0, b"a\nb\n"), (2, b"c\nd\n"))),
    ],
)
def test_a_part_is_halved_at_whole_lines(lines: bytes, halves: tuple[tuple[int, bytes], ...] | None) -> None:
    found = split(case(lines))
    assert (found and tuple((part.first_line, part.lines) for part in found)) == halves


def test_halving_ends_at_the_guilty_line_with_its_number() -> None:
    told: list[Verdict] = []
    lines = b"".join(b"line %d\n" % number for number in range(13))
    queue = [case(lines, told)]
    while queue:
        part = queue.pop()
        if b"line 9\n" not in part.lines:
            numbers = part.lines.count(b"\n")
            part.case.close_part(Verdict(b"s", b"b" * 16, part.first_line, accepted=numbers))
        elif (halves := split(part)) is not None:
            part.case.open_parts += 1
            queue.extend(halves)
        else:
            part.case.close_part(set_aside(part, 1000))
    assert len(told) == 1
    assert told[0].accepted == 12
    assert told[0].failed == 1
    assert told[0].errors == [LineError(9, SET_ASIDE, b"line 9")]


def test_metadata_that_kills_ends_the_stream() -> None:
    verdict = set_aside(case(b""), 5)
    assert verdict.ended == StreamError(500, SET_ASIDE, b'{"met')


def test_merging_keeps_order_and_the_five_first_errors() -> None:
    def answer(first_line: int, ended: StreamError | None = None) -> Verdict:
        errors = [LineError(first_line + place, "bad", b"") for place in range(3)]
        return Verdict(b"s", b"b" * 16, first_line, 2, 3, errors, ended)

    merged = merge([answer(10), answer(0), answer(5, StreamError(503, "full"))])
    assert [error.line for error in merged.errors] == [0, 1, 2, 5, 6]
    assert (merged.accepted, merged.failed, merged.first_line) == (6, 9, 0)
    assert merged.ended == StreamError(503, "full")
