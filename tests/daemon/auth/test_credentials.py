"""What an Authorization header holds, and the texts for what it does not (http-surface.md 3.1, 3.2)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidegate.daemon.auth.credentials import Credentials, Malformed, Scheme, read_credentials

EXPECTED = "expected 'Authorization: Bearer secret_token' or 'Authorization: ApiKey base64(API key ID:API key)'"
ENCODED = (
    "authentication failed: improperly encoded ApiKey credentials: expected base64(ID:APIKey): illegal base64 data at"
)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        (b"", None),
        (b"Bearer", None),
        (b"abc", None),
        (b" abc", None),
        (b"Bearer abc", Credentials(Scheme.TOKEN, b"abc")),
        (b"Bearer  a b", Credentials(Scheme.TOKEN, b" a b")),
        (b"bearer abc", Malformed(f"authentication failed: unknown Authentication header bearer: {EXPECTED}")),
        (b"\xff abc", Malformed(f"authentication failed: unknown Authentication header \ufffd: {EXPECTED}")),
        (b"ApiKey YTpi", Credentials(Scheme.API_KEY, b"YTpi")),
        (b"ApiKey YTpiYw==", Credentials(Scheme.API_KEY, b"YTpiYw==")),
        (
            b"ApiKey YWJj",
            Malformed("authentication failed: improperly formatted ApiKey credentials: expected base64(ID:APIKey)"),
        ),
        (b"ApiKey ab!?", Malformed(f"{ENCODED} input byte 2")),
        (b"ApiKey YWJjOmRlZmc", Malformed(f"{ENCODED} input byte 8")),
        (b"ApiKey YT=pi", Malformed(f"{ENCODED} input byte 2")),
        (b"ApiKey =", Malformed(f"{ENCODED} input byte 0")),
        (b"ApiKey ====", Malformed(f"{ENCODED} input byte 0")),
    ],
)
def test_headers(header: bytes | None, found: object) -> None:
    assert read_credentials(header) == found


@given(st.binary(), st.binary())
def test_each_encoded_key_is_read(key_id: bytes, secret: bytes) -> None:
    encoded = base64.b64encode(key_id + b":" + secret)
    assert read_credentials(b"ApiKey " + encoded) == Credentials(Scheme.API_KEY, encoded)


@given(st.binary())
def test_no_header_raises(header: bytes) -> None:
    read_credentials(header)
    read_credentials(b"ApiKey " + header)
