"""Log lines whose fields come nested (intake-to-documents.md 4.7): `log: {level, logger, origin}` and the like.

A nested string wins over the flat field; a nested value of another type is ignored, except for the line number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import UNSET
from tidegate.workers.decode.anything import NumberText
from tidegate.workers.decode.model import Log
from tidegate.workers.decode.refusal import Refused

NESTED: dict[str, dict[str, tuple[str, ...]]] = {
    "service": {
        "service_name": ("name",),
        "service_version": ("version",),
        "service_environment": ("environment",),
        "service_node_name": ("node", "name"),
    },
    "error": {
        "error_type": ("type",),
        "error_message": ("message",),
        "error_stack_trace": ("stack_trace",),
    },
    "event": {"event_dataset": ("dataset",)},
    "process": {"process_thread_name": ("thread", "name")},
    "log": {
        "level": ("level",),
        "logger": ("logger",),
        "origin_file_name": ("origin", "file", "name"),
        "origin_function": ("origin", "function"),
    },
}
"""Root key → field of `Log` → path of the string below the root."""

_LINE_PATH = ("origin", "file", "line")
_LIMIT = 1024
"""Longest string that is surely right for each of these fields."""
_INT64 = 2**63


def _at(nested: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = nested
    for key in path:
        if type(value) is not dict:
            return None
        value = value.get(key)
    return value


def _texts(nested: Mapping[str, Any], root: str) -> Iterator[tuple[str, str]]:
    """The fields of `Log` that the nested form sets, with their strings."""
    for field, path in NESTED[root].items():
        text = _at(nested, path)
        if type(text) is str:
            yield field, text


def lift_nested_log(log: Log, nested: Mapping[str, Any]) -> bool:
    """For the accept path: moves what stands in `log` to the flat fields. False: the exact path is to look at it."""
    for field, text in _texts(nested, "log"):
        if len(text) > _LIMIT:
            return False
        setattr(log, field, text)
    line = _at(nested, _LINE_PATH)
    if type(line) is float or (type(line) is int and not -_INT64 <= line < _INT64):
        return False
    if type(line) is int:
        log.origin_file_line = line
    log.log = UNSET
    return True


def lift_nested(values: dict[str, Any]) -> None:
    """For the exact path: the same in values read, for all roots; numbers in them are text. Raises Refused."""
    for root in NESTED:
        nested = values.pop(root, None)
        if nested is None:
            continue
        values.update(_texts(nested, root))
        line = _at(nested, _LINE_PATH) if root == "log" else None
        if type(line) is NumberText:
            values["origin_file_line"] = _line_number(line)


def _line_number(literal: str) -> int:
    digits = literal.removeprefix("-")
    if not digits.isdigit():
        raise _unparsable(literal, "invalid syntax")
    number = int(literal) if len(digits) < 20 else _INT64
    if not -_INT64 <= number < _INT64:
        raise _unparsable(literal, "value out of range")
    return number


def _unparsable(literal: str, why: str) -> Refused:
    return Refused(f'log: ecsloglogfields: strconv.ParseInt: parsing "{literal}": {why}')
