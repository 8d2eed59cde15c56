"""On which terms a batch is taken that may be refused for what is in it (DESIGN, "Streams, batches, ids")."""

from __future__ import annotations

import msgspec

UNLIMITED = 0xFFFF_FFFF
"""Tokens of a batch whose events are not counted."""
BATCH_LINES = 10
"""Lines of such a batch, as in the original: the limit and the permission are asked for all of them at once."""


class Terms(msgspec.Struct, frozen=True, array_like=True):
    """What a sender may send. It travels with each batch: a worker has no settings about senders."""

    subject: str
    """The beginning of a refusal: `anonymous access`."""
    refused: str = ""
    """Why none of its events is taken; empty: they may be."""
    allow_agents: tuple[str, ...] = ()
    """None: all."""
    allow_services: tuple[str, ...] = ()
    """None: all."""
    counts_services: bool = False
    """Whether new names of services count, and are limited in number."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Terms).decode


def pack_terms(terms: Terms) -> bytes:
    """Terms as they travel; equal terms give equal bytes."""
    return _encode(terms)


def unpack_terms(data: bytes) -> Terms:
    """Raises msgspec.MsgspecError."""
    return _decode(data)
