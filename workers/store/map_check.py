"""Whether something can be kept as a source map: its key and, without building it, its JSON. Pure."""

from __future__ import annotations

import codecs
import mmap
import re

import msgspec
from tidegate.workers.source_maps.paths import cleaned
from tidegate.workers.store.source_maps import LONGEST_ID, MapKey, MapRefused

Buffer = bytes | mmap.mmap
VERSION = 3
"""Of the format; nothing has written an older one for a decade."""
STEP = 1 << 20
"""Bytes in one go, so that other threads have their turn."""
_SERVICE = re.compile(r"[A-Za-z0-9 _-]{1,1024}")
"""Names of services that intake accepts: no event has another, so its map would never be used."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class _Map(msgspec.Struct):
    """What is looked at; the rest is only passed over, at two gigabytes a second."""

    version: int
    mappings: msgspec.Raw = msgspec.Raw(b"")
    sections: msgspec.Raw = msgspec.Raw(b"")


_read = msgspec.json.Decoder(_Map).decode


def key_of(service: str, version: str, path: str) -> MapKey:
    """The key of an upload, its path cleaned as that of a frame is before it is looked up. Raises MapRefused."""
    _check_key(MapKey(service, version, path))
    key = MapKey(service, version, cleaned(path))
    _check_key(key)  # a letter that a URL does not have is three or more there
    return key


def _check_key(key: MapKey) -> None:
    if not all(key):
        # The words of the original, as long as it took uploads (http-surface.md 5.5).
        raise MapRefused("bundle_filepath, service_name and service_version must be sent")
    if not _SERVICE.fullmatch(key.service):
        raise MapRefused("service_name: no event can have this one: letters, digits, space, _ and - only")
    if _CONTROL.search(key.version) or _CONTROL.search(key.path):
        raise MapRefused("service_version and bundle_filepath must not hold control characters")
    try:
        size = len(key.identity.encode())
    except UnicodeEncodeError as problem:
        raise MapRefused("bundle_filepath, service_name and service_version must be in UTF-8") from problem
    if size > LONGEST_ID:
        raise MapRefused(
            f"bundle_filepath, service_name and service_version have {size} bytes together, and {LONGEST_ID} are allowed"
        )


def check_map(content: Buffer) -> None:
    """Raises MapRefused for what is no source map of version 3."""
    try:
        _check_text(content)
        found = _read(content)
    except UnicodeDecodeError as problem:
        raise MapRefused("sourcemap: it is not in UTF-8") from problem
    except msgspec.ValidationError as problem:
        raise MapRefused(f"sourcemap: it is no source map: {problem}") from problem
    except msgspec.MsgspecError as problem:
        raise MapRefused(f"sourcemap: it is no JSON: {problem}") from problem
    except RecursionError as problem:
        raise MapRefused("sourcemap: its JSON is nested too deeply") from problem
    if found.version != VERSION:
        raise MapRefused(f"sourcemap: version {VERSION} of the format is needed, and it says {found.version}")
    if _first(found.mappings) != b'"' and _first(found.sections) != b"[":
        raise MapRefused("sourcemap: it has neither `mappings`, a text, nor `sections`, a list")


def _first(raw: msgspec.Raw) -> bytes:
    """The first byte, without a copy of the rest."""
    return bytes(memoryview(raw)[:1])


def _check_text(content: Buffer) -> None:
    decode = codecs.getincrementaldecoder("utf-8")().decode
    with memoryview(content) as view:
        for at in range(0, len(view), STEP):
            decode(bytes(view[at : at + STEP]))
    decode(b"", final=True)
