"""Reading the values of single fields: what each declared type of intake-to-documents.md section 3 accepts.

Each reader gets what an earlier occurrence of its key gave, or None, and returns what holds now: null changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isinf
from typing import Any

from tidegate.workers.decode.anything import read_anything, skip_anything
from tidegate.workers.decode.free import UNWRITABLE
from tidegate.workers.decode.literals import (
    read_boolean,
    read_float,
    read_integer,
    read_plain_float,
    read_plain_integer,
    read_unsigned,
)
from tidegate.workers.decode.model import Marks
from tidegate.workers.decode.reading import list_of, read_map
from tidegate.workers.decode.scanner import QUOTE, Scanner
from tidegate.workers.decode.times import parse_time


def read_text(scanner: Scanner, before: Any) -> Any:
    """str."""
    plain = scanner.read_plain_string()
    if plain is not None:
        return plain
    return before if scanner.skip_null() else scanner.read_string()


def read_int(scanner: Scanner, before: Any) -> Any:
    """int of 64 bits."""
    plain = read_plain_integer(scanner)
    if plain is not None:
        return plain
    return before if scanner.skip_null() else read_integer(scanner)


def read_number(scanner: Scanner, before: Any) -> Any:
    """float."""
    plain = read_plain_float(scanner)
    if plain is not None:
        return plain
    return before if scanner.skip_null() else read_float(scanner)


def read_flag(scanner: Scanner, before: Any) -> Any:
    """bool."""
    return before if scanner.skip_null() else read_boolean(scanner)


def read_time(scanner: Scanner, before: Any) -> Any:
    """µs since the epoch, from an integer or an RFC 3339 string."""
    if scanner.skip_null():
        return before
    token = scanner.peek()
    if token in b"-0123456789":
        return read_integer(scanner)
    if token != QUOTE:
        scanner.fail("invalid input type for timestamp")
        return None
    try:
        return parse_time(scanner.read_string())
    except ValueError:
        scanner.fail("failed to parse the provided time string")
        return None


def read_free(scanner: Scanner, before: Any) -> Any:
    """A free map: dict as `read_anything` makes it. Top-level entries that were no UTF-8 are UNWRITABLE."""

    def read_value(key: str, into: dict[str, Any]) -> None:
        scanner.spoiled = False
        value = read_anything(scanner)
        into[key] = UNWRITABLE if scanner.spoiled else value

    return read_map(scanner, before, read_value)


def read_labels(scanner: Scanner, before: Any) -> Any:
    """A map of label values, still of any type."""
    return read_map(scanner, before, lambda key, into: into.__setitem__(key, read_anything(scanner)))


def read_literals(scanner: Scanner, before: Any) -> Any:
    """A free map in which numbers stay text."""
    scanner.keep_literals = True
    result = read_labels(scanner, before)
    scanner.keep_literals = False
    return result


def read_any(scanner: Scanner, before: Any) -> Any:
    """Anything; if it is an object, its top-level entries that were no UTF-8 are UNWRITABLE."""
    if scanner.skip_null():
        return before
    scanner.spoiled = False
    value = read_anything(scanner)
    if scanner.spoiled and type(value) is dict:
        return {key: UNWRITABLE if _mentions_replacement(item) else item for key, item in value.items()}
    return value


def _mentions_replacement(value: Any) -> bool:
    """Whether any string in the value holds U+FFFD: the entry, or one of the entries, that was no UTF-8."""
    rest = [value]
    for item in rest:  # grows while it is walked
        if type(item) is dict:
            rest += item.keys()
            rest += item.values()
        elif type(item) is list:
            rest += item
        elif type(item) is str and "\ufffd" in item:
            return True
    return False


def read_headers(scanner: Scanner, before: Any) -> Any:
    """Header fields: strings or lists of strings, by name."""
    if scanner.skip_null():
        return before
    value = read_anything(scanner)
    if type(value) is not dict:
        scanner.fail("invalid input type for HTTPHeader")
        return before
    for item in value.values():
        if type(item) is list:
            wrong = [one for one in item if type(one) is not str]
            if wrong:
                scanner.fail(f"invalid input for HTTPHeader slice value type: {_go_type(wrong[0])}")
        elif type(item) is not str:
            scanner.fail(f"invalid input for HTTPHeader value type: {_go_type(item)}")
    return value


_GO_TYPES = {
    type(None): "<nil>",
    bool: "bool",
    int: "json.Number",
    float: "json.Number",
    dict: "map[string]interface {}",
    list: "[]interface {}",
}


def _go_type(value: Any) -> str:
    return _GO_TYPES[type(value)]


_JSON_KINDS = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


def marks_of(package: str) -> Callable[[Scanner, Any], Any]:
    """Reads marks: numbers by name by group. The original skips them first and reads them with another decoder."""

    def read(scanner: Scanner, before: Any) -> Any:
        scanner.peek()
        start = scanner.head
        skip_anything(scanner)
        if scanner.error is not None:
            return before
        marks = read_anything(Scanner(scanner.data[start : scanner.head]))
        wrong = _marks_complaint(marks, package)
        if wrong:
            scanner.report("unmarshalerDecoder", f"json: cannot unmarshal {wrong}")
            return before
        return before if marks is None else {**(before or {}), **_float_marks(marks)}

    return read


def _float_marks(marks: dict[str, dict[str, Any] | None]) -> Marks:
    return {
        group: None
        if values is None
        else {name: None if value is None else float(value) for name, value in values.items()}
        for group, values in marks.items()
    }


def _marks_complaint(marks: Any, package: str) -> str:
    if marks is None:
        return ""
    if type(marks) is not dict:
        return f"{_JSON_KINDS[type(marks)]} into Go value of type map[string]{package}.transactionMarkEvents"
    for group in marks.values():
        if group is None:
            continue
        if type(group) is not dict:
            return f"{_JSON_KINDS[type(group)]} into Go value of type map[string]float64"
        for value in group.values():
            if value is not None and (type(value) not in (int, float) or isinf(value)):
                return f"{_JSON_KINDS[type(value)]} into Go value of type float64"
    return ""


read_texts = list_of(Scanner.read_string, "string")
"""List of str; null elements become ""."""
read_floats = list_of(lambda scanner: 0.0 if scanner.read_null() else read_float(scanner), "float64")
"""List of float; null elements become 0."""
read_counts = list_of(lambda scanner: 0 if scanner.read_null() else read_unsigned(scanner), "uint64")
"""List of unsigned integers of 64 bits; null elements become 0."""
