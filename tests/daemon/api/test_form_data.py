"""Forms, good and bad, whole and in pieces; the parser itself is a library's."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.api import form_data
from tidegate.daemon.api.form_data import FormData, FormError

KIND = "multipart/form-data; boundary=xyz"
FIELDS = ("service_name", "service_version", "bundle_filepath")


def part(name: str, content: bytes, more: str = "") -> bytes:
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"


FORM = b"".join(
    (
        part("service_name", b"shop"),
        part("sourcemap", b'{"version":3}\r\n--xy\r\n', '; filename="app.js.map"\r\nContent-Type: application/json'),
        part("other", b"x" * 100),
        part("bundle_filepath", "/ä.js".encode()),
        part("service_name", b"second"),
        b"--xyz--\r\n",
    )
)


def read(body: bytes, *cuts: int, kind: str = KIND) -> tuple[bytes, dict[str, str]]:
    form = FormData(kind, FIELDS, "sourcemap")
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    handed = [piece for a, b in itertools.pairwise(places) for piece in form.feed(body[a:b])]
    form.finish()
    return b"".join(handed), form.fields


WHOLE = (b'{"version":3}\r\n--xy\r\n', {"service_name": "shop", "bundle_filepath": "/ä.js"})


def test_whole_and_byte_by_byte() -> None:
    assert read(FORM) == WHOLE
    assert read(FORM, *range(len(FORM))) == WHOLE


@given(st.lists(st.integers(0, len(FORM)), max_size=8))
def test_at_random_splits(cuts: list[int]) -> None:
    assert read(FORM, *cuts) == WHOLE


@given(st.lists(st.binary(max_size=40), max_size=6), st.binary(max_size=60))
def test_any_bytes_give_a_form_or_the_one_error(pieces: list[bytes], tail: bytes) -> None:
    form = FormData(KIND, FIELDS, "sourcemap")
    try:
        for piece in (b"--xyz\r\n", *pieces, tail):
            form.feed(piece)
        form.finish()
    except FormError:
        return
    assert form.has_file


@pytest.mark.parametrize("kind", ['Multipart/Form-Data; charset=utf-8; boundary="xyz"', KIND])
def test_kinds_that_are_taken(kind: str) -> None:
    assert read(FORM, kind=kind) == WHOLE


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("", "invalid content type: $"),
        ("application/json", "invalid content type: application/json$"),
        ("multipart/mixed; boundary=xyz", "invalid content type: multipart/mixed; boundary=xyz"),
        ("multipart/form-data", "no multipart boundary param in Content-Type"),
        ("multipart/form-data; boundary=", "no multipart boundary param in Content-Type"),
        (f"multipart/form-data; boundary={'x' * 300}", "Boundary length 300 exceeds"),
    ],
)
def test_kinds_that_are_not(kind: str, words: str) -> None:
    with pytest.raises(FormError, match=words):
        FormData(kind, FIELDS, "sourcemap")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "NextPart: EOF"),
        (b'{"version":3}', "multipart: "),
        (part("sourcemap", b"{}"), "NextPart: EOF"),
        (FORM[:-6], "NextPart: EOF"),
        (part("service_name", b"shop") + b"--xyz--", "http: no such file"),
        (part("sourcemap", b"{}") * 2 + b"--xyz--", "sourcemap is sent twice"),
        (part("x", b"") * (form_data.MOST_PARTS + 1), "more than 32 parts"),
        (part("service_name", b"x" * 5000), "service_name has more than 4096 bytes"),
        (part("service_name", b"x" * 100, "\r\nX: " + "y" * 2000), "header size"),
        (part("service_name", b"x" * 100, "\r\nX: y" * 20), "header count"),
        (b"--xyz\r\n" + b"x" * 1_000_000, "header size"),
        (b"--xyz\r\n: no name\r\n\r\n", "0-length header"),
        (b"--xyz\r\nBad Name: x\r\n\r\n", "invalid character"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_damaged_forms(body: bytes, words: str) -> None:
    for cuts in ((), range(0, min(len(body), 5000), 7)):
        with pytest.raises(FormError, match=words):
            read(body, *cuts)


@pytest.mark.parametrize(
    "head", [b"", b"Content-Disposition: attachment; name=sourcemap", b'Content-Disposition: form-data; x="sourcemap"']
)
def test_parts_without_a_name_are_passed_over(head: bytes) -> None:
    nameless = b"--xyz\r\n" + head + (b"\r\n" if head else b"") + b"\r\nx\r\n"
    assert read(nameless + FORM) == WHOLE


def test_what_comes_after_the_end_does_not_count() -> None:
    assert read(FORM + b"--xyz\r\nmore" * 1000) == WHOLE
