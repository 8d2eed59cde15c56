"""Free maps kept as JSON (`custom`, `env`, `cookies`, `vars`, `attributes`, `body`): intake-to-documents.md section 3."""

from __future__ import annotations

from decimal import Decimal
from math import inf, isinf
from typing import Any

UNWRITABLE = inf
"""Stands for a value that the original cannot write: a number beyond float64, or a string that was no UTF-8. JSON has no
infinity, so no client can send it."""

_DEEP = 100
"""Levels that are walked by recursion, safely below Python's limit; deeper values are walked with a stack of our own."""


_EXACT = 2.0**53
_PLAIN = 1e21
"""The original writes numbers below this without an exponent: an integer to whoever reads the document."""


class _Unwritable(Exception):
    """The top-level entry cannot be written."""


class _TooDeep(Exception):
    """The value is to be walked without recursion."""


def normalise_free(value: Any) -> Any:
    """The value as it is written: numbers as float64; entries with null, {} or [] dropped from objects, recursively;
    null in their place inside lists; top-level entries that cannot be written are None. A value other than an object
    is treated as one entry. A map may come out empty: `{}`.
    """
    if type(value) is not dict:
        return _entry(value)
    result = {}
    for key, item in value.items():
        kind = type(item)
        if kind is str or kind is bool:
            result[key] = item
        elif kind is int or kind is float:
            result[key] = _number_or_none(item)
        elif item is not None:
            try:
                entry = _entry_of(item)
            except _Unwritable:
                result[key] = None
            else:
                if entry is not None:
                    result[key] = entry
    return result


def _number_or_none(number: float) -> float | None:
    try:
        written = float(number)
    except OverflowError:
        return None
    if -_EXACT < written < _EXACT:
        return written
    if -_PLAIN < written < _PLAIN:
        return int(Decimal(repr(written)))
    return None if isinf(written) else written


def _number(number: float) -> float:
    written = _number_or_none(number)
    if written is None:
        raise _Unwritable
    return written


def _entry(item: Any) -> Any:
    """None: nothing to write."""
    try:
        return _entry_of(item)
    except _Unwritable:
        return None


def _entry_of(item: Any) -> Any:
    try:
        return _nested(item, _DEEP)
    except _TooDeep:
        return _nested_deep(item)


def _nested(item: Any, depth: int) -> Any:
    kind = type(item)
    if kind is str or kind is bool or item is None:
        return item
    if kind is int or kind is float:
        return _number(item)
    if not depth:
        raise _TooDeep
    if kind is list:
        return [_nested(one, depth - 1) for one in item] or None
    result = {}
    for key, one in item.items():
        written = _nested(one, depth - 1)
        if written is not None:
            result[key] = written
    return result or None


def _nested_deep(item: Any) -> Any:
    """The same as `_nested`. Every container is listed before what it holds, so the list backwards has the innermost first."""
    root = [item]
    containers: list[Any] = [root]
    for container in containers:  # grows while it is walked
        inner = container.values() if type(container) is dict else container
        containers.extend(one for one in inner if type(one) in (dict, list))
    written: dict[int, Any] = {}
    for container in reversed(containers):
        if type(container) is dict:
            pairs = ((key, _leaf(one, written)) for key, one in container.items())
            written[id(container)] = {key: one for key, one in pairs if one is not None} or None
        else:
            written[id(container)] = [_leaf(one, written) for one in container] or None
    return written[id(root)][0]


def _leaf(item: Any, written: dict[int, Any]) -> Any:
    kind = type(item)
    if kind is dict or kind is list:
        return written[id(item)]
    return _number(item) if kind is int or kind is float else item
