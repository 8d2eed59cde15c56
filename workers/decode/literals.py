"""Numbers, true and false, as the exact path reads them: strictness and words of intake-to-documents.md sections 3 and 8.3."""

from __future__ import annotations

import re
from math import isinf

from tidegate.workers.decode.free import UNWRITABLE
from tidegate.workers.decode.scanner import DOT, LETTER_F, LETTER_T, MINUS, ZERO, Scanner, end_of_run

_INT64, _UINT64 = 2**63, 2**64
_DIGITS = b"0123456789"
_ENDS = b",]} \t\n"

_DIGIT_RUN = re.compile(rb"[0-9]+")
_plain_float = re.compile(rb"[ \n\t\r]*(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![+\-.eE0-9])").match
_plain_integer = re.compile(rb"[ \n\t\r]*(-?(?:0|[1-9][0-9]{0,17}))(?![.eE0-9])").match
_NUMBER_RUN = re.compile(rb"[-+.eE0-9]+")
_parses = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?").fullmatch

_SAFE_LENGTH = 308
"""Characters of an integer that is surely within float64."""


def read_plain_integer(scanner: Scanner) -> int | None:
    """An integer that surely has 64 bits, in one go; None and nothing read for anything else, or in error state."""
    if scanner.error is None and (match := _plain_integer(scanner.data, scanner.head)) is not None:
        scanner.head = match.end()
        return int(match[1])
    return None


def read_integer(scanner: Scanner) -> int:
    """A signed 64-bit integer; 0 after an error."""
    token = scanner.next_token()
    negative = token == MINUS
    if negative:
        token = scanner.read_byte()
    value = _read_digits(scanner, token)
    if value >= _INT64 + negative:
        scanner.report("ReadInt64", f"overflow: {value}")
        return 0
    return -value if negative else value


def read_unsigned(scanner: Scanner) -> int:
    """An unsigned 64-bit integer; 0 after an error."""
    return _read_digits(scanner, scanner.next_token())


def _read_digits(scanner: Scanner, first: int) -> int:
    if first == ZERO:
        _refuse_fraction(scanner)
        return 0
    if first not in _DIGITS[1:]:
        scanner.report("readUint64", "unexpected character: \ufffd")
        return 0
    start = scanner.head
    stop = end_of_run(_DIGIT_RUN, scanner.data, start)
    value = int(scanner.data[start - 1 : min(stop, start + 20)])
    if value >= _UINT64:
        if len(scanner.data) - start > 10:
            scanner.head = start + 7  # the original reads the first eight digits in one step
        scanner.report("readUint64", "overflow")
        return 0
    scanner.head = stop
    if stop == len(scanner.data):
        scanner.ended = True
    _refuse_fraction(scanner)
    return value


def _refuse_fraction(scanner: Scanner) -> None:
    if scanner.head < len(scanner.data) and scanner.data[scanner.head] == DOT:
        scanner.report("assertInteger", "can not decode float as int")


def read_number_literal(scanner: Scanner) -> str:
    """Whatever is made of the characters of numbers; "" and an error if there is nothing of that kind."""
    start = scanner.head
    scanner.head = end_of_run(_NUMBER_RUN, scanner.data, start)
    if scanner.head == len(scanner.data):
        scanner.ended = True
    if scanner.error is not None:
        return ""
    if scanner.head == start:
        scanner.report("readNumberAsString", "invalid number")
    return scanner.data[start : scanner.head].decode()


def read_plain_float(scanner: Scanner) -> float | None:
    """A number as most are, in one go; None and nothing read for anything else, or in error state."""
    if scanner.error is None and (match := _plain_float(scanner.data, scanner.head)) is not None:
        value = float(match[1])
        if not isinf(value):
            scanner.head = match.end()
            return value
    return None


def read_float(scanner: Scanner) -> float:
    """A number that float64 can hold; 0.0 after an error."""
    plain = read_plain_float(scanner)
    if plain is not None:
        return plain
    negative = scanner.next_token() == MINUS
    if not negative:
        scanner.unread()
    value = _read_positive(scanner)
    return -value if negative else value


def _read_positive(scanner: Scanner) -> float:
    data, head = scanner.data, scanner.head
    if head < len(data):
        if data[head] in _ENDS:
            scanner.report("readFloat64", "empty number")
            return 0.0
        if data[head] == DOT:
            scanner.report("readFloat64", "leading dot is invalid")
            return 0.0
        if data[head] == ZERO and head + 1 < len(data) and data[head + 1] in _DIGITS:
            scanner.report("readFloat64", "leading zero is invalid")
            return 0.0
    text = read_number_literal(scanner)
    if scanner.error is not None:
        return 0.0
    complaint = _float_complaint(text)
    if complaint:
        scanner.report("readFloat64SlowPath", complaint)
        return 0.0
    if _parses(text) is None:
        scanner.fail(f'strconv.ParseFloat: parsing "{text}": invalid syntax')
        return 0.0
    value = float(text)
    if isinf(value):
        scanner.fail(f'strconv.ParseFloat: parsing "{text}": value out of range')
        return 0.0
    return value


def _float_complaint(text: str) -> str:
    if text.startswith("-"):
        return "-- is not valid"
    dot = text.find(".")
    if dot == len(text) - 1:
        return "dot can not be last character"
    if dot >= 0 and text[dot + 1] not in "0123456789":
        return "missing digit after dot"
    return ""


def to_number(literal: str) -> int | float:
    """The value of a number kept as text: int if it is written as one; UNWRITABLE if it is no number or beyond float64."""
    if _parses(literal) is None:
        return UNWRITABLE
    if len(literal) > _SAFE_LENGTH and isinf(float(literal)):
        return UNWRITABLE
    return int(literal) if literal.removeprefix("-").isdigit() else float(literal)


def read_boolean(scanner: Scanner) -> bool:
    """true or false; False after an error."""
    token = scanner.next_token()
    if token == LETTER_T:
        scanner.expect(b"rue")
        return True
    if token == LETTER_F:
        scanner.expect(b"alse")
        return False
    scanner.report("ReadBool", f"expect t or f, but found {chr(token)}")
    return False
