"""What can be typed after `tidegate`, taken from its parsers: commands, options, and what kind of value an option takes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

_KINDS = {"FILE": "file", "DIR": "folder", "FOLDER": "folder", "KEY=VALUE": "setting"}
"""By the word that stands for the value in the help."""


class Option(NamedTuple):
    """An option by all its names; `kind` of its value is `file`, `folder`, `setting`, `word`, or empty where it has none."""

    names: tuple[str, ...]
    kind: str
    help: str
    choices: tuple[str, ...] = ()


class Place(NamedTuple):
    """What can follow a command (`""`: the name of the program; `dead-letters list`: a command below a command)."""

    path: str
    commands: tuple[tuple[str, str], ...]
    """Names, and what they do; also the words that an argument can be."""
    options: tuple[Option, ...]


def places(parser: argparse.ArgumentParser, path: str = "") -> Iterator[Place]:
    """The place of the parser and those of all commands below it."""
    below: dict[str, argparse.ArgumentParser] = {}
    commands: list[tuple[str, str]] = []
    options = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            below |= action.choices
            commands += [(choice.dest, choice.help or "") for choice in action._get_subactions()]
        elif not action.option_strings:
            commands += [(str(choice), "") for choice in action.choices or ()]
        elif action.help != argparse.SUPPRESS:
            options.append(_option(parser, action))
    yield Place(path, tuple(commands), tuple(options))
    for name, child in below.items():
        yield from places(child, f"{path} {name}".strip())


def _option(parser: argparse.ArgumentParser, action: argparse.Action) -> Option:
    help = parser._get_formatter()._expand_help(action) if action.help else ""
    choices = tuple(str(choice) for choice in action.choices or ())
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    kind = "" if action.nargs == 0 else _KINDS.get(metavar, "word")
    return Option(tuple(action.option_strings), kind, help, choices)
