"""Strings with escapes: the quick way reads what the slow way reads."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tidegate.workers.decode import scanner
from tidegate.workers.decode.event_type import quoted
from tidegate.workers.decode.scanner import Scanner

ATOMS = [
    *(
        b"a",
        b"\xc3\xa9",
        b"\xff",
        b"\xed\xa0\x80",
        b"\n",
        b"\x01",
        b'"',
        b"\\x",
        b"\\u12",
        b'\\"',
        b"\\\\",
        b"\\/",
        b"\\n",
    ),
    *(b"\\u00e9", b"\\u0000", b"\\uFfFf", b"\\uD7ff", b"\\ue000", b"\\ud800", b"\\uDC00", b"\\ud83d\\ude00"),
]


def read(text: bytes) -> tuple[object, ...]:
    reader = Scanner(text)
    return reader.read_string(), reader.error, reader.ended, reader.spoiled, None if reader.error else reader.head


@example([b"a", b'"', b"a", b'\\"', b"a"], b'"')  # an escape behind the end of the string
@given(st.lists(st.sampled_from(ATOMS)), st.sampled_from([b'"', b'" x', b""]))
def test_both_ways_agree(atoms: list[bytes], end: bytes) -> None:
    text = b'"' + b"".join(atoms) + end
    quick = read(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanner, "_well_escaped", lambda data, at: None)
        assert read(text) == quick


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"a b", '"a b"'),
        (b'"\\\n\x01\x7f', r'"\"\\\n\x01\x7f"'),
        ("é\u200b".encode(), r'"é\u200b"'),
        (b"\xff", r'"\xff"'),
    ],
)
def test_a_name_in_quotes(name: bytes, text: str) -> None:
    assert quoted(name) == text
