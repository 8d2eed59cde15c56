from collections import Counter

from tidegate.daemon.outcomes import EventOutcome
from tidegate.daemon.wire.frames import Batch, LineError, StreamError
from tidegate.workers.pipeline import Processed
from tidegate.workers.salvage import STUMBLED, salvage


def batch(lines: bytes, metadata: bytes = b"m") -> Batch:
    return Batch(b"s" * 8, b"b" * 16, 0, 0, 0, 0, b"{}", metadata, lines)


def process(one: Batch) -> Processed:
    """Stumbles over the text `secret`, in a line or in metadata."""
    if b"secret" in one.lines or b"secret" in one.metadata:
        raise KeyError(one.lines)
    if one.metadata == b"bad":
        return Processed([], 0, 0, 0, [], StreamError(400, "bad"), Counter())
    count = 1 if one.lines else 0
    return Processed([b"%d:" % one.first_line + one.lines], count, count, 0, [], None, Counter())


def test_all_but_the_guilty_line_are_kept_under_their_numbers() -> None:
    processed, stumbles = salvage(process, batch(b"a\nsecret\n\nd\n"))
    assert processed.lines == [b"0:a", b"3:d"]
    assert (processed.accepted, processed.failed) == (2, 1)
    assert processed.errors == [LineError(1, STUMBLED, b"secret")]
    assert processed.counts == {EventOutcome.SUSPECT: 1}
    assert len(stumbles) == 1
    assert stumbles[0].startswith("KeyError in process")
    assert "secret" not in stumbles[0]


def test_guilty_metadata_ends_the_stream() -> None:
    processed, _ = salvage(process, batch(b"", b"secret"))
    assert processed.ended == StreamError(500, STUMBLED, b"secret")


def test_a_stream_that_ends_by_itself_does_so() -> None:
    processed, stumbles = salvage(process, batch(b"a\nb\n", b"bad"))
    assert processed.ended == StreamError(400, "bad")
    assert stumbles == []
