"""What an Authorization header holds (http-surface.md 3.1 and 3.2)."""

from __future__ import annotations

import binascii
import re
from enum import Enum
from typing import NamedTuple

from tidegate.daemon.h1.request_head import wire_text

_EXPECTED = "expected 'Authorization: Bearer secret_token' or 'Authorization: ApiKey base64(API key ID:API key)'"
FAILED = "authentication failed"
MISSING = f"{FAILED}: missing or improperly formatted Authorization header: {_EXPECTED}"
_FORMAT = "expected base64(ID:APIKey)"
_FOREIGN = re.compile(rb"[^A-Za-z0-9+/]")


class Scheme(Enum):
    """How a client says who it is; the values are the header's words, in this case of letters."""

    TOKEN = b"Bearer"
    API_KEY = b"ApiKey"


class Credentials(NamedTuple):
    """A usable header. For an API key `value` is base64 of `id:key`, as sent."""

    scheme: Scheme
    value: bytes


class Malformed(NamedTuple):
    """A header that names a scheme and is not usable; the text is the answer's."""

    text: str


def read_credentials(header: bytes | None) -> Credentials | Malformed | None:
    """What the header holds; None for one that is missing, or has no scheme: such a sender is anonymous."""
    if header is None:
        return None
    word, space, value = header.partition(b" ")
    if not space or not word:
        return None
    if word == Scheme.TOKEN.value:
        return Credentials(Scheme.TOKEN, value)
    if word == Scheme.API_KEY.value:
        return _api_key(value)
    return Malformed(f"{FAILED}: unknown Authentication header {wire_text(word)}: {_EXPECTED}")


def _api_key(value: bytes) -> Credentials | Malformed:
    wrong = _not_base64(value)
    if wrong is not None:
        text = f"{FAILED}: improperly encoded ApiKey credentials: {_FORMAT}: illegal base64 data at input byte {wrong}"
        return Malformed(text)
    if b":" not in binascii.a2b_base64(value):
        return Malformed(f"{FAILED}: improperly formatted ApiKey credentials: {_FORMAT}")
    return Credentials(Scheme.API_KEY, value)


def _not_base64(value: bytes) -> int | None:
    """The place of the first byte that standard base64 with padding does not allow; None where there is none."""
    body = value[:-2] if value.endswith(b"==") else value[:-1] if value.endswith(b"=") else value
    foreign = _FOREIGN.search(body)
    if foreign is not None:
        return foreign.start()
    return None if len(value) % 4 == 0 else len(value) - len(value) % 4
