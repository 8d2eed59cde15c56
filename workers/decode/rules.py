"""How the objects of the intake are declared: one table per object, in the order in which its fields are checked.

The order of the fields, their types and limits are those of the tables in intake-to-documents.md sections 4 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from tidegate.workers.decode.model import SERVICE_NAME
from tidegate.workers.decode.scanner import Scanner

Read = Callable[[Scanner, Any], Any]
"""Reads the value of a field. Gets what an earlier occurrence of its key gave, or None; returns what holds now."""

Check = Callable[[Any], str]
"""Returns what is wrong with a value in the words of section 8.2, or ""."""


class Form(Enum):
    """How the value of a field is built."""

    LEAF = "leaf"
    OBJECT = "object"
    OBJECTS = "list of objects"
    OBJECT_MAP = "objects by free keys"


class Field(NamedTuple):
    """One key of an object."""

    key: str
    """As it stands in JSON."""
    name: str
    """The attribute of the struct, and the key of the values read."""
    go: str
    """The name in decode errors (8.3)."""
    read: Read
    checks: tuple[Check, ...] = ()
    required: bool = False
    required_with: tuple[str, ...] = ()
    """Keys of the same object of which each asks for this one."""
    form: Form = Form.LEAF
    table: Table | None = None
    group: str = ""
    """Name that precedes the key in validation errors: the flat fields of `log` stand in groups."""
    finish: Callable[[Any], Any] | None = None
    """Makes what the struct holds from what was read."""
    set_when_empty: bool = False
    """{} and [] count as a value: true of fields that take anything."""


class Table:
    """One type of object. `go` is its name in decode errors, `struct` what is made of it."""

    def __init__(self, go: str, struct: Callable[..., Any], *fields: Field, one_of: tuple[str, ...] = ()) -> None:
        self.go = go
        self.struct = struct
        self.one_of = one_of
        """Keys of which one must be there."""
        self.declare(*fields)

    def declare(self, *fields: Field) -> None:
        """Sets the fields; apart from the constructor only for a table that holds itself."""
        self.fields = fields
        self.by_key = {field.key: field for field in fields}
        self.by_name = {field.name: field for field in fields}
        self.nested = tuple(field for field in fields if field.form is not Form.LEAF)
        self.finishes = {field.name: field.finish for field in fields if field.finish is not None}


# -------------------------------------------------------------------------------------------------------------- checks


def longest(limit: int) -> Check:
    """At most so many code points, for strings; other types pass."""
    text = f"validation rule 'maxLength({limit})' violated"
    return lambda value: text if type(value) is str and len(value) > limit else ""


def each_longest(limit: int) -> Check:
    """The same for each string of a list."""
    check = longest(limit)
    return lambda values: next(filter(None, map(check, values)), "")


def least(limit: int) -> Check:
    """A number of at least this size."""
    text = f"validation rule 'min({limit})' violated"
    return lambda value: text if value < limit else ""


def not_empty(value: str) -> str:
    """At least one character."""
    return "" if value else "validation rule 'minLength(1)' violated"


def outcome(value: str) -> str:
    """One of the outcomes, or ""."""
    if value in ("success", "failure", "unknown", ""):
        return ""
    return "validation rule 'enum(enumOutcome)' violated"


_matches_service_name = re.compile(SERVICE_NAME).match


def service_name(value: str) -> str:
    """The characters of service names, or ""."""
    if not value or _matches_service_name(value):
        return ""
    return "validation rule 'pattern(patternAlphaNumericExt)' violated"


def sample_names(samples: dict[str, Any]) -> str:
    """Names of samples hold neither asterisk nor quote."""
    if any("*" in name or '"' in name for name in samples):
        return "validation rule 'patternKeys(patternNoAsteriskQuote)' violated"
    return ""


_INT64 = 2**63


def text_or_integer(value: Any) -> str:
    """A string or an integer of 64 bits."""
    return _wrong_type(value, "string;int")


def _wrong_type(value: Any, types: str) -> str:
    if type(value) is str or (type(value) is int and -_INT64 <= value < _INT64):
        return ""
    end = "" if type(value) in (int, float) else " "  # the original's text ends in a space, except for numbers
    return f"validation rule 'inputTypes({types})' violated{end}"


_integer_text = re.compile(r"[+-]?[0-9]{1,400}").fullmatch


def port(value: Any) -> str:
    """An integer, or a string that is one."""
    if type(value) is str and not (_integer_text(value) and -_INT64 <= int(value) < _INT64):
        return "validation rule 'targetType(int)' violated"
    return _wrong_type(value, "string;int")


def text_or_object(value: Any) -> str:
    """A string or an object."""
    return "" if type(value) in (str, dict) else "validation rule 'inputTypes(string;object)' violated "


def label_values(labels: dict[str, Any]) -> str:
    """Strings of limited length, booleans, numbers, null."""
    for key, value in labels.items():
        if type(value) is str:
            if len(value) > 1024:
                return "validation rule 'maxLengthVals(1024)' violated"
        elif type(value) in (dict, list):
            return f"validation rule 'inputTypesVals(string;bool;number)' violated for key {key}"
    return ""
