"""A setting as it was given, before anybody knows what kind it should be; nested and dotted keys become one flat table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tidegate.daemon.settings.problems import Origin, Problem

Value: TypeAlias = "bool | int | float | str | tuple[Leaf, ...] | dict[str, Leaf] | None"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value and its place."""

    value: Value
    text: str
    """A scalar as it was written, so that a password `0123` stays one; empty for lists and maps."""
    origin: Origin


def text_of(value: bool | int | float | str | None) -> str:
    """A scalar in the original's words: `true`, `83`, `1e+21` (what `-E token=t` and `-E token=0123` turn into)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    return str(value)


def flat(key: str, leaf: Leaf) -> Iterator[tuple[str, Leaf]]:
    """The leaf under its dotted key, or those of a map; an empty map is a section without contents (a null)."""
    if isinstance(leaf.value, dict):
        if not leaf.value:
            yield key, Leaf(None, "", leaf.origin)
        for name, inner in leaf.value.items():
            yield from flat(f"{key}.{name}" if key else name, inner)
    else:
        yield key, leaf


def gather(given: Iterable[tuple[str, Leaf]]) -> tuple[dict[str, Leaf], list[Problem]]:
    """One table of all that a file says; a key given twice, nested or dotted, is a problem."""
    table: dict[str, Leaf] = {}
    problems: list[Problem] = []
    for key, leaf in given:
        if not all(key.split(".")):
            problems.append(Problem(key, "a part of the key is empty", leaf.origin))
        elif key not in table or table[key].value is None:
            table[key] = leaf
        elif leaf.value is not None:
            problems.append(Problem(key, f"given twice: first in line {table[key].origin.line}", leaf.origin))
    for key, leaf in table.items():
        for above in _above(key):
            if above in table and table[above].value is not None:
                text = f"`{above}` has a value of its own, in line {table[above].origin.line}"
                problems.append(Problem(key, text, leaf.origin))
    return table, problems


def _above(key: str) -> Iterator[str]:
    """`a` and `a.b` for `a.b.c`."""
    parts = key.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts)))


def override(table: dict[str, Leaf], key: str, leaf: Leaf) -> None:
    """Puts a later value in place of an earlier one: a list replaces a list, a value replaces a section and the reverse."""
    for above in _above(key):
        table.pop(above, None)
    for longer in [other for other in table if other.startswith(f"{key}.")]:
        if leaf.value is not None:
            del table[longer]
    table[key] = leaf
