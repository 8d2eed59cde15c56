"""Content codings: what goes in comes out, in bounded pieces; damage is told apart as the original does."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.h1.inflate import BodyTooLarge, InflateError, Inflater

STEP = 1000
TEXT = b"".join(b'{"log":{"message":"%d"}}\n' % number for number in range(500))
PACKED = gzip.compress(TEXT, mtime=0)


def named_gzip(data: bytes) -> bytes:
    """A member with all optional fields in its header."""
    header = b"\x1f\x8b\x08\x1e" + bytes(6) + b"\x02\x00ab" + b"name\0" + b"comment\0"
    header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little")
    return header + gzip.compress(data, mtime=0)[10:]


def run(pieces: list[bytes], encoding: bytes = b"", ceiling: int = 0, step: int = STEP) -> bytes:
    inflater = Inflater(encoding, step, ceiling)
    out = []

    def drain() -> None:
        while (piece := inflater.next()) is not None:
            assert 0 < len(piece) <= step
            out.append(piece)

    for piece in pieces:
        inflater.feed(piece)
        drain()
    inflater.finish()
    drain()
    assert inflater.next() is None
    return b"".join(out)


GOOD = [
    (b"gzip", PACKED, TEXT),
    (b"", PACKED, TEXT),
    (b"GZIP", PACKED, TEXT),
    (b"br", PACKED, TEXT),
    (b"deflate", zlib.compress(TEXT), TEXT),
    (b"identity", zlib.compress(TEXT), TEXT),
    (b"deflate", zlib.compress(TEXT) + b"what follows is ignored", TEXT),
    (b"", TEXT, TEXT),
    (b"br", TEXT, TEXT),
    (b"gzip", gzip.compress(b"ab", mtime=0) + gzip.compress(b"", mtime=0) + named_gzip(b"cd"), b"abcd"),
    (b"gzip", named_gzip(TEXT), TEXT),
    (b"gzip", gzip.compress(b"", mtime=0), b""),
    (b"gzip", gzip.compress(TEXT, 0, mtime=0), TEXT),
    (b"gzip", b"", b""),
    (b"deflate", b"", b""),
    (b"", b"", b""),
    (b"", b"{", b""),
    (b"", b"{}", b""),
    (b"", b"{}\n", b"{}\n"),
]


@pytest.mark.parametrize(("encoding", "data", "expected"), GOOD)
def test_good_bodies(encoding: bytes, data: bytes, expected: bytes) -> None:
    assert run([data], encoding) == expected
    assert run([bytes([byte]) for byte in data], encoding) == expected
    assert run([data[at : at + 7] for at in range(0, len(data), 7)], encoding) == expected


@given(st.binary(max_size=3000), st.integers(1, 9), st.lists(st.integers(1, 400)), st.integers(1, 3000))
def test_any_body_at_any_split_and_step(data: bytes, level: int, sizes: list[int], step: int) -> None:
    for encoding, packed in ((b"gzip", gzip.compress(data, level, mtime=0)), (b"deflate", zlib.compress(data, level))):
        pieces, rest = [], packed
        for size in sizes:
            pieces.append(rest[:size])
            rest = rest[size:]
        assert run([piece for piece in (*pieces, rest) if piece], encoding, step=step) == data


FLIPPED = bytearray(PACKED)
FLIPPED[-6] ^= 1

BAD = [
    (b"gzip", b'{"metadata":{}}\n', "gzip: invalid header", True),
    (b"gzip", b"ab", "unexpected EOF", True),
    (b"gzip", zlib.compress(TEXT), "gzip: invalid header", True),
    (b"deflate", b'{"metadata":{}}\n', "zlib: invalid header", True),
    (b"deflate", PACKED, "zlib: invalid header", True),
    (b"deflate", b"\x78\xbb", "zlib: invalid dictionary", True),
    (b"deflate", b"\x78", "unexpected EOF", True),
    (b"", b"(no zlib", "zlib: invalid header", True),
    (b"", b"Hello", "zlib: invalid header", True),
    (b"gzip", b"\x1f\x8b\x08\x00\x00\x00", "unexpected EOF", True),
    (b"gzip", b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x00" + b"a" * 600, "gzip: invalid header", True),
    (b"gzip", b"\x1f\x8b\x08\x02\x00\x00\x00\x00\x00\x00ab", "gzip: invalid header", True),
    (b"gzip", PACKED[:-12], "unexpected EOF", False),
    (b"gzip", PACKED[:-1], "unexpected EOF", False),
    (b"gzip", PACKED[:12], "unexpected EOF", False),
    (b"gzip", bytes(FLIPPED), "gzip: invalid checksum", False),
    (b"gzip", PACKED[:-1] + b"\xff", "gzip: invalid checksum", False),
    (b"gzip", PACKED + b"no further member", "gzip: invalid header", False),
    (b"gzip", PACKED + PACKED[:5], "unexpected EOF", False),
    (b"deflate", zlib.compress(TEXT)[:-1] + b"\xff", "zlib: invalid checksum", False),
    (b"deflate", zlib.compress(TEXT)[:-2], "unexpected EOF", False),
    (b"gzip", gzip.compress(b"", mtime=0) * 1200, "gzip: too many empty members", False),
]


@pytest.mark.parametrize(("encoding", "data", "text", "at_start"), BAD)
def test_damage(encoding: bytes, data: bytes, text: str, at_start: bool) -> None:
    for pieces in ([data], [bytes([byte]) for byte in data]):
        with pytest.raises(InflateError) as raised:
            run(pieces, encoding)
        assert (str(raised.value), raised.value.at_start) == (text, at_start)


def test_corrupt_deflate_names_an_offset() -> None:
    with pytest.raises(InflateError, match=r"^flate: corrupt input before offset \d+$"):
        run([PACKED[:10] + b"\xff" * 50], b"gzip")


@given(st.sampled_from([b"gzip", b"deflate", b""]), st.lists(st.binary(min_size=1), max_size=5))
def test_bytes_of_any_kind_give_output_or_the_one_error(encoding: bytes, pieces: list[bytes]) -> None:
    try:
        run(pieces, encoding)
    except InflateError as damage:
        assert str(damage)


@given(st.integers(0, len(PACKED) - 1), st.integers(1, 255))
def test_a_changed_byte_is_damage_or_harmless(at: int, change: int) -> None:
    data = bytearray(PACKED)
    data[at] ^= change
    try:
        out = run([bytes(data)], b"gzip")
    except InflateError:
        return
    assert out == TEXT


def test_output_comes_before_damage_that_follows_it() -> None:
    inflater = Inflater(b"gzip", STEP)
    inflater.feed(PACKED[:-12])
    out = b""
    while (piece := inflater.next()) is not None:
        out += piece
    inflater.finish()
    with pytest.raises(InflateError):
        inflater.next()
    assert TEXT.startswith(out)
    assert len(out) > len(TEXT) - 1000


def test_check_11_and_13_a_bomb_comes_out_in_steps() -> None:
    inflater = Inflater(b"gzip", 65536)
    inflater.feed(gzip.compress(bytes(20_000_000), mtime=0))
    sizes = []
    while (piece := inflater.next()) is not None:
        sizes.append(len(piece))
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= 65536


@pytest.mark.parametrize("data", [TEXT, PACKED])
def test_check_11_the_ceiling(data: bytes) -> None:
    assert run([data], ceiling=len(TEXT)) == TEXT
    with pytest.raises(BodyTooLarge):
        run([data], ceiling=len(TEXT) - 1)
