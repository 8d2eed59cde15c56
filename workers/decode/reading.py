"""Reading by table: objects, lists and maps, with the rules and the error texts of the exact path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tidegate.workers.decode.anything import skip_anything
from tidegate.workers.decode.rules import Table
from tidegate.workers.decode.scanner import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    COLON,
    COMMA,
    LETTER_N,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE,
    Scanner,
)

Values = dict[str, Any]
"""What was read of an object: by `Field.name`; objects within are such dicts again. Absent and null keys are missing."""

_HASHED = 10
"""Objects of up to so many known keys are read by another decoder of the original, with other error texts."""

NESTED_OBJECTS = 110
"""Objects with known keys within each other: 100 causes of an exception, which alone can nest, and what is round them. The
original takes 10000; nobody sends that, and here it would exhaust Python's stack."""


# -------------------------------------------------------------------------------------------------------------- objects


def read_object(scanner: Scanner, table: Table, values: Values) -> None:
    """Reads an object into `values`: a key that stands again replaces a leaf and adds to an object."""
    token = scanner.next_token()
    if token != OPEN_OBJECT:
        if token == LETTER_N:
            scanner.expect(b"ull")
        else:
            scanner.report("readObjectStart", f"expect {{ or n, but found {chr(token)}")
        return
    if scanner.next_token() == CLOSE_OBJECT:
        return
    scanner.unread()
    if not scanner.enter():
        return
    if scanner.objects == NESTED_OBJECTS:
        scanner.report("incrementDepth", "exceeded max depth")
        return
    scanner.objects += 1
    hashed = len(table.fields) <= _HASHED
    read_key = _read_hashed_key if hashed else _read_string_key
    by_key = table.by_key
    while True:
        key = scanner.read_key()
        if key is None:
            key = read_key(scanner)
        field = by_key.get(key) or by_key.get(key.lower())
        if field is None:
            skip_anything(scanner)
        else:
            value = field.read(scanner, values.get(field.name))
            if value is not None:
                values[field.name] = value
            if scanner.error is not None:
                scanner.prefix(f"{field.go}: ")
        token = scanner.next_token()
        if token != COMMA:
            break
    scanner.objects -= 1
    if not hashed and scanner.error is not None:
        scanner.prefix(f"{table.go}.")
    if token != CLOSE_OBJECT:
        if hashed:
            scanner.report("isObjectEnd", f"object ended prematurely, unexpected char {chr(token)}")
        else:
            scanner.report("struct Decode", f"expect }}, but found {chr(token)}")
    if hashed and scanner.error is not None:
        scanner.prefix(f"{table.go}.")
    scanner.leave()


def _read_string_key(scanner: Scanner) -> str:
    key = scanner.read_string()
    token = scanner.next_token()
    if token != COLON:
        scanner.report("ReadObject", f"expect : after object field, but found {chr(token)}")
    return key


def _read_hashed_key(scanner: Scanner) -> str:
    token = scanner.next_token()
    if token != QUOTE:
        scanner.report("readFieldHash", f'expect ", but found {chr(token)}')
        return ""
    key = scanner.read_escaped()
    token = scanner.next_token()
    if token != COLON:
        scanner.report("readFieldHash", f"expect :, but found {chr(token)}")
        return ""
    return key


def object_of(table: Table) -> Callable[[Scanner, Any], Any]:
    """Reads an object of the table."""

    def read(scanner: Scanner, before: Any) -> Values:
        values = {} if before is None else before
        read_object(scanner, table, values)
        return values

    return read


def objects_of(table: Table) -> Callable[[Scanner, Any], Any]:
    """Reads a list of objects of the table; null elements are objects of which nothing is set."""

    def read_one(scanner: Scanner) -> Values:
        values: Values = {}
        read_object(scanner, table, values)
        return values

    return list_of(read_one, table.go)


def object_map_of(table: Table) -> Callable[[Scanner, Any], Any]:
    """Reads an object of free keys whose values are objects of the table."""

    def read(scanner: Scanner, before: Any) -> Any:
        def read_value(key: str, into: dict[str, Any]) -> None:
            values: Values = {}
            read_object(scanner, table, values)
            into[key] = values

        return read_map(scanner, before, read_value)

    return read


def list_of(read_one: Callable[[Scanner], Any], go: str) -> Callable[[Scanner, Any], Any]:
    """Reads a list; `go` is the original's name for the type of its elements."""

    def read(scanner: Scanner, before: Any) -> Any:
        items = _read_list(scanner, read_one)
        scanner.prefix(f"[]{go}: ")
        return items

    return read


def _read_list(scanner: Scanner, read_one: Callable[[Scanner], Any]) -> list[Any] | None:
    token = scanner.next_token()
    if token == LETTER_N:
        scanner.expect(b"ull")
        return None
    if token != OPEN_LIST:
        scanner.report("decode slice", f"expect [ or n, but found {chr(token)}")
        return None
    if scanner.next_token() == CLOSE_LIST:
        return []
    scanner.unread()
    items = [read_one(scanner)]
    while (token := scanner.next_token()) == COMMA:
        items.append(read_one(scanner))
    if token != CLOSE_LIST:
        scanner.report("decode slice", f"expect ], but found {chr(token)}")
    return items


def read_map(scanner: Scanner, before: Any, read_value: Callable[[str, dict[str, Any]], None]) -> Any:
    """Reads an object of free keys; `read_value` reads what belongs to a key and puts it into the dict. null empties it."""
    token = scanner.next_token()
    if token == LETTER_N:
        scanner.expect(b"ull")
        return {}
    if token != OPEN_OBJECT:
        scanner.report("ReadMapCB", f"expect {{ or n, but found {chr(token)}")
        return before
    result: dict[str, Any] = {} if before is None else before
    if scanner.next_token() == CLOSE_OBJECT:
        return result
    scanner.unread()
    while True:
        key = scanner.read_key()
        if key is None:
            key = scanner.read_string()
            token = scanner.next_token()
            if token != COLON:
                scanner.report("ReadMapCB", f"expect : after object field, but found {chr(token)}")
                return result
        read_value(key, result)
        token = scanner.next_token()
        if token != COMMA:
            break
    if token != CLOSE_OBJECT:
        scanner.report("ReadMapCB", f"expect }}, but found {chr(token)}")
    return result
