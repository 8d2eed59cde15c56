"""The kinds of fields that the tables are made of. `name` is given where the struct calls the field otherwise, `go` where
the original's name does not follow from that of the struct (8.3)."""

from __future__ import annotations

import re
from math import isinf
from typing import Any

from tidegate.workers.decode import leaves, rules
from tidegate.workers.decode.reading import object_map_of, object_of, objects_of
from tidegate.workers.decode.rules import Check, Field, Form, Table

_INITIALISMS = {"id": "ID", "url": "URL", "http": "HTTP", "faas": "FAAS", "otel": "OTel", "cpu": "CPU"}
_words = re.compile("[^_.]+").findall


def _go_name(name: str) -> str:
    return "".join(_INITIALISMS.get(word, word.capitalize()) for word in _words(name))


def _leaf(key: str, name: str, go: str, read: rules.Read, *checks: Check, **more: Any) -> Field:
    name = name or key
    return Field(key, name, go or _go_name(name), read, checks, **more)


def text(
    key: str, limit: int = 0, *checks: Check, name: str = "", go: str = "", required: bool = False, group: str = ""
) -> Field:
    """A string of at most `limit` code points; 0: of any length."""
    if limit:
        checks = (rules.longest(limit), *checks)
    return _leaf(key, name, go, leaves.read_text, *checks, required=required, group=group)


def text_with(key: str, others: tuple[str, ...], limit: int = 1024, name: str = "") -> Field:
    """A string that must be there when one of the other keys is."""
    return _leaf(key, name, "", leaves.read_text, rules.longest(limit), required_with=others)


def outcome(key: str = "outcome", name: str = "") -> Field:
    """`success`, `failure`, `unknown` or ""."""
    return _leaf(key, name, "", leaves.read_text, rules.outcome)


def integer(
    key: str, *, least: int | None = None, name: str = "", go: str = "", required: bool = False, group: str = ""
) -> Field:
    """An integer of 64 bits."""
    checks = () if least is None else (rules.least(least),)
    return _leaf(key, name, go, leaves.read_int, *checks, required=required, group=group)


def number(key: str, *, least: int | None = None, name: str = "", go: str = "", required: bool = False) -> Field:
    """Any number that float64 holds."""
    checks = () if least is None else (rules.least(least),)
    return _leaf(key, name, go, leaves.read_number, *checks, required=required)


def flag(key: str, *, name: str = "", go: str = "") -> Field:
    """true or false."""
    return _leaf(key, name, go, leaves.read_flag)


def time(key: str = "timestamp", *, name: str = "timestamp") -> Field:
    """µs since the epoch."""
    return _leaf(key, name, "", leaves.read_time)


def anything(key: str, *checks: Check, name: str = "", go: str = "") -> Field:
    """Any JSON; what is allowed, the checks say."""
    return _leaf(key, name, go, leaves.read_any, *checks, set_when_empty=True)


def texts(key: str, limit: int = 0, *, name: str = "") -> Field:
    """A list of strings."""
    checks = (rules.each_longest(limit),) if limit else ()
    return _leaf(key, name, "", leaves.read_texts, *checks)


def free(key: str, *, name: str = "") -> Field:
    """A free map."""
    return _leaf(key, name, "", leaves.read_free)


def headers(key: str = "headers", *, name: str = "headers") -> Field:
    """Header fields."""
    return _leaf(key, name, "", leaves.read_headers)


def labels(key: str, *, name: str = "") -> Field:
    """Label values by name; numbers that float64 cannot hold are left out."""
    return _leaf(key, name, "", leaves.read_labels, rules.label_values, finish=_writable_labels)


def _writable_labels(labels: dict[str, Any]) -> dict[str, Any]:
    return {key: _label(value) for key, value in labels.items() if type(value) is not float or not isinf(value)}


def _label(value: Any) -> Any:
    """Integers beyond 64 bits as float64; so the model wants it."""
    return float(value) if type(value) is int and not -(2**63) <= value < 2**63 else value


def nested(key: str, table: Table, *, name: str = "", go: str = "", required: bool = False) -> Field:
    """An object with known keys."""
    return _leaf(key, name, go, object_of(table), form=Form.OBJECT, table=table, required=required)


def nested_list(key: str, table: Table, *, name: str = "", go: str = "") -> Field:
    """A list of objects with known keys, none of them empty."""
    return _leaf(key, name, go, objects_of(table), form=Form.OBJECTS, table=table)


def nested_map(key: str, table: Table, *checks: Check, required: bool = False) -> Field:
    """Objects with known keys, by free keys."""
    return _leaf(key, "", "", object_map_of(table), *checks, form=Form.OBJECT_MAP, table=table, required=required)
