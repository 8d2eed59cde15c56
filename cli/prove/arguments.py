"""The options of `tidegate prove` that are more than a word: what is allowed, and what is said where it is not."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

from tidegate.cli.prove.plan import Fault

_SEED = re.compile(r"[0-9a-f]{8}", re.ASCII)
_DIGITS = 9


def number(least: int, most: int) -> Callable[[str], int]:
    """A type of an argument: a whole number between these."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > _DIGITS or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return parse


def faults(text: str) -> tuple[Fault, ...]:
    """A type of an argument: names of faults with commas, `all` or `none`."""
    if text == "all":
        return tuple(Fault)
    if text == "none":
        return ()
    names = [name.strip() for name in text.split(",")]
    known = {str(fault) for fault in Fault}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of all, none, {', '.join(Fault)}")
    return tuple(Fault(name) for name in names)


def seed(text: str) -> str:
    """A type of an argument: eight hexadecimal digits."""
    if not _SEED.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: eight digits of 0-9 and a-f")
    return text
