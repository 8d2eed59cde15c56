"""The form in which maps are kept: what goes in comes out, and what cannot be read says why in the original's words."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.workers.store.map_content import STEP, Packer, decode, encode, pack, unpack
from tidegate.workers.store.source_maps import MapKey, MapTooLarge, MapUnusable


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_what_goes_in_in_pieces_comes_out(pieces: list[bytes]) -> None:
    packer = Packer()
    for piece in pieces:
        packer.add(piece)
    packed = packer.finish()
    whole = b"".join(pieces)
    assert packer.size == len(whole)
    assert unpack(packed.zipped, len(whole)) == whole
    assert packed.sha256 == hashlib.sha256(packed.zipped).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 2, 3, STEP - 1, STEP, STEP + 1, 2 * STEP + 2])
def test_base64_in_steps_is_base64(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    encoded = encode(data)
    assert encoded == base64.b64encode(data)
    assert decode(encoded.decode()) == data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("%%%", "failed to base64 decode string: illegal base64 data at input byte 0"),
        ("AAA%", "failed to base64 decode string: illegal base64 data at input byte 3"),
        ("AAAAA", "failed to base64 decode string: illegal base64 data at input byte 5"),
        ("AA==AAAA", "failed to base64 decode string: illegal base64 data at input byte 2"),
        ("ä", "failed to base64 decode string: illegal base64 data at input byte 0"),
        ("A" * (STEP // 3 * 4 - 2) + "==AAAA", "failed to base64 decode string: illegal base64 data"),
    ],
)
def test_no_base64(content: str, words: str) -> None:
    with pytest.raises(MapUnusable, match=f"^{words}"):
        decode(content)


def test_line_ends_do_not_count() -> None:
    assert decode("AA\r\nAA\nAA==\n") == base64.b64decode("AAAAAA==")


WHOLE = zlib.compress(b'{"version": 3}' * 100)


@pytest.mark.parametrize(
    ("zipped", "words"),
    [
        (b"", "failed to create zlib reader: unexpected EOF"),
        (b"\x78", "failed to create zlib reader: unexpected EOF"),
        (b"not a map", "failed to create zlib reader: zlib: invalid header"),
        (b"\x78\x9d1234", "failed to create zlib reader: zlib: invalid header"),
        (WHOLE[:-1] + b"\0", "failed to read sourcemap content: zlib: invalid checksum"),
        (WHOLE[:-6], "failed to read sourcemap content: unexpected EOF"),
        (WHOLE[:2] + b"\xff" * 20, "failed to read sourcemap content: flate: corrupt input"),
    ],
)
def test_damaged_contents_say_what_is_wrong(zipped: bytes, words: str) -> None:
    with pytest.raises(MapUnusable, match=f"^{words}$"):
        unpack(zipped, 10_000)


def test_check_13_a_map_that_is_a_bomb_is_given_up_early() -> None:
    bomb = pack(b" " * (256 << 20)).zipped
    tracemalloc.start()
    try:
        words = "^sourcemap size exceeds limit : decompressed source map exceeds limit of 1048576 bytes$"
        with pytest.raises(MapTooLarge, match=words):
            unpack(bomb, 1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_the_limit_itself_is_allowed() -> None:
    assert unpack(pack(b"x" * 100).zipped, 100) == b"x" * 100


def test_the_id_is_that_of_the_original() -> None:
    assert MapKey("shop", "1.0", "/static/bundle.js").identity == "shop-1.0-/static/bundle.js"
