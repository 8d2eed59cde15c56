"""What a setting's value can be: each kind turns a given value into a typed one, or says in words what it wants."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from tidegate.daemon.settings.address import ListenAddress, listen_address
from tidegate.daemon.settings.command_line import integer as whole_number
from tidegate.daemon.settings.command_line import scalar
from tidegate.daemon.settings.leaves import Leaf
from tidegate.daemon.settings.pattern_syntax import PatternError, read_pattern

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_LONGEST_DURATION = 10 * 365 * 86400.0
"""Seconds; ten years is no timeout any more, and the sum of two such still is a time."""
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(ns|us|µs|μs|ms|s|m|h|d)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,9})?) ?([kmgt]?i?b?)", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_LARGEST_SIZE = 1 << 60
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_PATH = re.compile(r"(?=.{1,100}$)(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~-]+)+/?")
_PROTOCOLS_OWN = ("/intake/", "/config/", "/assets/", "/v1/", "/debug/")


class Unfit(ValueError):
    """A value that is not of its setting's kind; the text says what is wanted, and never what was given."""


@dataclass(frozen=True)
class Kind(Generic[T_co]):
    """A kind of value; `read` raises Unfit, never with the value in it (it may be a secret)."""

    name: str
    """For the reference: `duration`, `bytes`, …"""
    read: Callable[[Leaf], T_co]
    free_names: bool = False
    """A map whose keys are the user's own."""


def _no_list(leaf: Leaf) -> Leaf:
    if isinstance(leaf.value, tuple):
        raise Unfit("a list, where one value is wanted (with -E a comma makes a list: quote the value)")
    if isinstance(leaf.value, dict):
        raise Unfit("a map, where one value is wanted")
    return leaf


def _text(leaf: Leaf) -> str:
    if leaf.text and isinstance(leaf.value, tuple):  # a variable whose content holds commas
        return leaf.text
    return _no_list(leaf).text


def _boolean(leaf: Leaf) -> bool:
    value = _no_list(leaf).value
    if isinstance(value, str):
        value = scalar(value)
    if not isinstance(value, bool):
        raise Unfit("wants true or false")
    return value


def _number(leaf: Leaf) -> float:
    value = _no_list(leaf).value
    if isinstance(value, str):
        value = scalar(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unfit("wants a number")
    return float(value)


text = Kind("text", _text)
boolean = Kind("true or false", _boolean)


def integer(least: int = 0, most: int = 2**31 - 1) -> Kind[int]:
    """A whole number without unit, between the two."""

    def read(leaf: Leaf) -> int:
        value = _no_list(leaf).value
        if isinstance(value, str):
            try:
                value = whole_number(value.strip())
            except ValueError:
                raise Unfit("wants a whole number, without a unit") from None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unfit("wants a whole number, without a unit")
        return _within(value, least, most)

    return Kind("number", read)


def fraction() -> Kind[float]:
    """A number from 0 to 1."""
    return Kind("number from 0 to 1", lambda leaf: _within(_number(leaf), 0.0, 1.0))


def _within(value: T, least: T, most: T) -> T:
    if value < least:  # type: ignore[operator]  # int or float, always two of a kind
        raise Unfit(f"must be at least {least}")
    if value > most:  # type: ignore[operator]  # as above
        raise Unfit(f"must be at most {most}")
    return value


def auto_or(least: int, most: int) -> Kind[int | None]:
    """A whole number, or `auto`, which is None."""
    number = integer(least, most)

    def read(leaf: Leaf) -> int | None:
        return None if _text(leaf).strip().lower() == "auto" else number.read(leaf)

    return Kind("number or `auto`", read)


def duration(least: float = 0.0, *, whole_seconds_of: str = "") -> Kind[float]:
    """Seconds, from `1m30s`, `500ms`, `30d`, or a bare number of seconds."""

    def read(leaf: Leaf) -> float:
        value = _no_list(leaf).value
        if isinstance(value, str):
            value = scalar(value.strip())
        if isinstance(value, bool):
            raise Unfit("wants a duration such as 30s, or a number of seconds")
        seconds = float(value) if isinstance(value, int | float) else _spelled(leaf.text.strip())
        if not math.isfinite(seconds) or seconds < 0:
            raise Unfit("wants a duration that is not negative")
        if whole_seconds_of and seconds != int(seconds):
            raise Unfit(f"invalid value for `{whole_seconds_of}`, only accepting full seconds")
        if seconds < least:
            raise Unfit(f"must be at least {least:g}s")
        if seconds > _LONGEST_DURATION:
            raise Unfit("must be at most ten years")
        return seconds

    return Kind("duration", read)


def _spelled(words: str) -> float:
    place, seconds = 0, 0.0
    while match := _DURATION.match(words, place):
        seconds += float(match[1]) * _SECONDS[match[2]]
        place = match.end()
    if place != len(words) or not words:
        raise Unfit("wants a duration such as 30s, 1m30s, 500ms, or a number of seconds")
    return round(seconds, 9)


def size(least: int = 0) -> Kind[int]:
    """Bytes, from `2GiB`, `64 MiB`, `100KB` (thousands), or a bare number of bytes."""

    def read(leaf: Leaf) -> int:
        value = _no_list(leaf).value
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise Unfit("wants a size such as 64MiB, or a number of bytes")
        if isinstance(value, int):
            count = value
        else:
            match = _SIZE.fullmatch(value.strip())
            if match is None:
                raise Unfit("wants a size such as 64MiB, or a number of bytes")
            unit = match[2].lower().removesuffix("b")
            power = _POWERS[unit.removesuffix("i")]
            # a float would lose the last digits of a long number of bytes
            count = (
                int(match[1])
                if power == 0 and match[1].isdigit()
                else int(float(match[1]) * (1024 if unit.endswith("i") else 1000) ** power)
            )
        if count < least:
            raise Unfit(f"must be at least {least} bytes")
        if count > _LARGEST_SIZE:
            raise Unfit("is larger than any disk")
        return count

    return Kind("size", read)


def choice(*words: str) -> Kind[str]:
    """One of the words, in any case of letters."""

    def read(leaf: Leaf) -> str:
        word = _text(leaf).strip().lower()
        if word not in words:
            raise Unfit(f"wants one of {', '.join(words)}")
        return word

    return Kind(", ".join(f"`{word}`" for word in words), read)


def _texts(leaf: Leaf) -> tuple[str, ...]:
    if isinstance(leaf.value, tuple):
        return tuple(_text(element) for element in leaf.value)
    return (_text(leaf),)


texts = Kind("list of texts", _texts)


def _names_and_texts(leaf: Leaf) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(leaf.value, dict):
        raise Unfit("wants a map of header names to values")
    for name, values in leaf.value.items():
        if not _HEADER_NAME.fullmatch(name):
            raise Unfit("holds a name that HTTP does not allow for a header")
        if any(character in value for value in _texts(values) for character in "\r\n\0"):
            raise Unfit(f"{name}: the value holds a line end, which HTTP does not allow")
    return MappingProxyType({name: _texts(values) for name, values in leaf.value.items()})


headers = Kind("map of header names to a text or a list of texts", _names_and_texts, free_names=True)


def _header_names(leaf: Leaf) -> tuple[str, ...]:
    if not all(_HEADER_NAME.fullmatch(name) for name in _texts(leaf)):
        raise Unfit("holds a name that HTTP does not allow for a header")
    return _texts(leaf)


header_names = Kind("list of header names", _header_names)


def _loopback(leaf: Leaf) -> ListenAddress | None:
    given = _text(leaf)
    if not given:
        return None
    address = listen_address(given)
    if address.path or not address.is_loopback() or not given.endswith(f":{address.port}"):
        raise Unfit("wants an address of this machine alone and a port, such as 127.0.0.1:9464")
    return address


loopback = Kind("address of this machine with a port", _loopback)


def paths(most: int) -> Kind[tuple[str, ...]]:
    """Up to `most` paths of URLs that are not the protocol's own."""

    def read(leaf: Leaf) -> tuple[str, ...]:
        given = _texts(leaf)
        if len(given) > most:
            raise Unfit(f"wants at most {most} paths")
        for path in given:
            if not _PATH.fullmatch(path):
                raise Unfit("wants paths such as `/a/b` of letters, digits and `-._~`, 100 characters at most")
            if f"{path}/".startswith(_PROTOCOLS_OWN):
                raise Unfit(f"paths below {', '.join(_PROTOCOLS_OWN)} belong to the protocol")
        return given

    return Kind("list of paths", read)


def _maps(leaf: Leaf) -> tuple[Mapping[str, str], ...]:
    elements = leaf.value if isinstance(leaf.value, tuple) else (leaf,)
    if not all(isinstance(element.value, dict) for element in elements):
        raise Unfit("wants a list of maps")
    return tuple(MappingProxyType(_flat_texts("", element)) for element in elements)


def _flat_texts(key: str, leaf: Leaf) -> dict[str, str]:
    if not isinstance(leaf.value, dict):
        return {key: _text(leaf)}
    return {
        inner: words
        for name, value in leaf.value.items()
        for inner, words in _flat_texts(f"{key}.{name}" if key else name, value).items()
    }


maps = Kind("list of maps", _maps)


def pattern(complaint: str) -> Kind[str]:
    """A regular expression of RE2; the complaint is the original's (`invalid library pattern regex`)."""

    def read(leaf: Leaf) -> str:
        expression = _text(leaf)
        try:
            read_pattern(expression)
        except PatternError as error:
            raise Unfit(f"{complaint}: {error}") from None
        return expression

    return Kind("regular expression", read)
