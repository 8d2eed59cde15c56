"""Values of any kind, read or skipped, nested to any depth without recursion, as the exact path needs them."""

from __future__ import annotations

from typing import Any

from tidegate.workers.decode.literals import read_boolean, read_float, read_number_literal, to_number
from tidegate.workers.decode.scanner import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    COLON,
    COMMA,
    LETTER_F,
    LETTER_N,
    LETTER_T,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE,
    ZERO,
    Scanner,
)

_NUMBER_STARTS = b"-0123456789"
_SURE_ENDS = b",]} \t\n\r"
_OPENED = object()
"""A list or object has begun, and something is in it."""


class NumberText(str):
    """A number as it was written, where its very characters matter (`Scanner.keep_literals`)."""

    __slots__ = ()


def read_anything(scanner: Scanner) -> Any:
    """The value: str, bool, None, dict, list; numbers as `literals.to_number` makes them. None after an error."""
    parents: list[Any] = []  # innermost last; an object is followed by the key whose value is being read
    while True:
        value = _read_start(scanner, parents)
        while value is not _OPENED:
            if not parents:
                return value
            if type(parents[-1]) is str:
                parents[-2][parents.pop()] = value
            else:
                parents[-1].append(value)
            value = _read_on(scanner, parents)


def _read_start(scanner: Scanner, parents: list[Any]) -> Any:
    """A scalar or an empty container; else _OPENED, with the container put on `parents`."""
    token = scanner.peek()
    if token == QUOTE:
        return scanner.read_string()
    if token == OPEN_OBJECT:
        return _open_object(scanner, parents)
    if token == OPEN_LIST:
        return _open_list(scanner, parents)
    if token == LETTER_N:
        scanner.expect(b"null")
        return None
    if token in (LETTER_T, LETTER_F):
        return read_boolean(scanner)
    if token in _NUMBER_STARTS:
        literal = read_number_literal(scanner)
        return NumberText(literal) if scanner.keep_literals else to_number(literal)
    scanner.report("Read", "unexpected value type: 0")
    return None


def _open_list(scanner: Scanner, parents: list[Any]) -> Any:
    token = scanner.next_token()
    if token == OPEN_LIST:
        if not scanner.enter():
            return []
        if scanner.next_token() == CLOSE_LIST:
            scanner.leave()
            return []
        scanner.unread()
        parents.append([])
        return _OPENED
    _refuse_start(scanner, token, "ReadArrayCB", "expect [ or n, but found ")
    return []


def _open_object(scanner: Scanner, parents: list[Any]) -> Any:
    token = scanner.next_token()
    if token == OPEN_OBJECT:
        if not scanner.enter():
            return {}
        token = scanner.next_token()
        if token == QUOTE:
            scanner.unread()
            key = _read_map_key(scanner)
            if key is None:
                return {}
            parents += ({}, key)
            return _OPENED
        if token != CLOSE_OBJECT:
            scanner.report("ReadMapCB", f'expect " after {{, but found {chr(token)}')
        scanner.leave()
        return {}
    _refuse_start(scanner, token, "ReadMapCB", "expect { or n, but found ")
    return {}


def _refuse_start(scanner: Scanner, token: int, operation: str, what: str) -> None:
    """Only in error state is the opening bracket not where it was seen."""
    if token == LETTER_N:
        scanner.expect(b"ull")
    else:
        scanner.report(operation, what + chr(token))


def _read_map_key(scanner: Scanner) -> str | None:
    """The key with its colon; None, and the object is left, when there is no colon."""
    key = scanner.read_string()
    if scanner.next_token() == COLON:
        return key
    scanner.report("ReadMapCB", "expect : after object field, but found ")
    scanner.leave()
    return None


def _read_on(scanner: Scanner, parents: list[Any]) -> Any:
    """After an element: _OPENED if another one follows, else the container, which is complete and off `parents`."""
    container = parents[-1]
    token = scanner.next_token()
    if type(container) is dict:
        if token == COMMA:
            key = _read_map_key(scanner)
            if key is not None:
                parents.append(key)
                return _OPENED
            return parents.pop()
        if token != CLOSE_OBJECT:
            scanner.report("ReadMapCB", "object not ended with }")
    else:
        if token == COMMA:
            return _OPENED
        if token != CLOSE_LIST:
            scanner.report("ReadArrayCB", f"expect ] in the end, but found {chr(token)}")
    scanner.leave()
    return parents.pop()


# ------------------------------------------------------------------------------------------------------------ skipping


def skip_anything(scanner: Scanner) -> None:
    """Reads a value that nobody needs; it must be well-formed all the same."""
    ends = bytearray()  # closing brackets of what is open, innermost last
    while True:
        token = scanner.next_token()
        if token == OPEN_OBJECT:
            scanner.unread()
            complete = not _skip_into_object(scanner, ends)
        elif token == OPEN_LIST:
            scanner.unread()
            complete = not _skip_into_list(scanner, ends)
        else:
            _skip_scalar(scanner, token)
            complete = True
        while complete:
            if not ends:
                return
            complete = not _skip_to_next(scanner, ends)


def _skip_scalar(scanner: Scanner, token: int) -> None:
    if token == QUOTE:
        scanner.skip_string()
    elif token == LETTER_N:
        scanner.expect(b"ull")
    elif token == LETTER_T:
        scanner.expect(b"rue")
    elif token == LETTER_F:
        scanner.expect(b"alse")
    elif token == ZERO:
        scanner.unread()
        read_float(scanner)
    elif token in _NUMBER_STARTS:
        _skip_number(scanner)
    else:
        scanner.report("Skip", f"do not know how to skip: {token}")


def _skip_number(scanner: Scanner) -> None:
    """The first byte has been read. Runs of digits with one dot are taken as they are; all else is read as a float."""
    data, head = scanner.data, scanner.head
    dot = False
    for at in range(head, len(data)):
        byte = data[at]
        if byte in b"0123456789":
            continue
        if byte == ord("."):
            if dot:
                scanner.report("validateNumber", "more than one dot found in number")
                return
            if at + 1 == len(data):
                break
            if data[at + 1] not in b"0123456789":
                scanner.report("validateNumber", "missing digit after dot")
                return
            dot = True
        elif byte in _SURE_ENDS and at > head:
            scanner.head = at
            return
        else:
            break
    scanner.unread()
    if scanner.failed():
        return
    read_float(scanner)
    if scanner.failed():  # a second try, as a number of any size, begins where the first one ended
        scanner.error = None
        read_number_literal(scanner)


def _skip_into_list(scanner: Scanner, ends: bytearray) -> bool:
    """Whether an element follows."""
    token = scanner.next_token()
    if token == OPEN_LIST:
        if not scanner.enter():
            return False
        if scanner.next_token() == CLOSE_LIST:
            scanner.leave()
            return False
        scanner.unread()
        ends.append(CLOSE_LIST)
        return True
    _refuse_start(scanner, token, "ReadArrayCB", "expect [ or n, but found ")
    return False


def _skip_into_object(scanner: Scanner, ends: bytearray) -> bool:
    """Whether a value follows."""
    token = scanner.next_token()
    if token == OPEN_OBJECT:
        if not scanner.enter():
            return False
        token = scanner.next_token()
        if token == QUOTE:
            scanner.unread()
            _skip_key(scanner)
            ends.append(CLOSE_OBJECT)
            return True
        if token != CLOSE_OBJECT:
            scanner.report("ReadObjectCB", f'expect " after {{, but found {chr(token)}')
        scanner.leave()
        return False
    _refuse_start(scanner, token, "ReadObjectCB", "expect { or n, but found ")
    return False


def _skip_key(scanner: Scanner) -> None:
    scanner.read_string()
    token = scanner.next_token()
    if token != COLON:
        scanner.report("ReadObject", f"expect : after object field, but found {chr(token)}")


def _skip_to_next(scanner: Scanner, ends: bytearray) -> bool:
    """After an element: whether another one follows; if not, the container has ended."""
    token = scanner.next_token()
    if token == COMMA:
        if ends[-1] == CLOSE_OBJECT:
            _skip_key(scanner)
        return True
    if token != ends[-1]:
        if ends[-1] == CLOSE_OBJECT:
            scanner.report("ReadObjectCB", "object not ended with }")
        else:
            scanner.report("ReadArrayCB", f"expect ] in the end, but found {chr(token)}")
    scanner.leave()
    ends.pop()
    return False
