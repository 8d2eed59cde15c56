"""A command line of the original in our words, so that units and scripts need only another name for the program.

The original's root command is `run`, and its flags may stand before the command (http-surface.md 10.4).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

ALIASES = {
    ("test", "config"): ["check"],
    ("test", "output"): ["check", "--connect"],
    ("export", "config"): ["settings", "--all"],
}
GONE = {
    "keystore": "there is no keystore: hand each secret over as an environment variable or as a systemd credential"
    " (LoadCredential=) of the name that the settings file uses in ${…}",
    "apikey": "API keys for agents are made in Kibana, or with Elasticsearch's API; `tidegate setup --create-api-key`"
    " makes the one that Tidegate itself needs",
    "enroll": "Tidegate is not managed by Fleet: its settings are those of its file",
}
"""Commands that the original has or had, and what to do instead."""
_LONG = ("path.", "strict.", "environment", "httpprof", "cpuprofile", "memprofile")
"""Flags that the original also takes with one dash."""
_ROOT = frozenset({"-h", "--help", "--version"})


def in_our_words(words: Sequence[str], run: argparse.ArgumentParser) -> list[str]:
    """The same words with the command first; `run` where there are flags and no command.

    `run` is that command's parser: it knows which flags take a value.
    """
    normal = [_normal(word) for word in words]
    if not normal or normal[0] in _ROOT:
        return normal
    begin = _first_command(normal, run)
    flags, rest = normal[:begin], normal[begin:]
    if not rest:
        return ["run", *flags]
    for alias, ours in ALIASES.items():
        if tuple(rest[: len(alias)]) == alias:
            return [*ours, *flags, *rest[len(alias) :]]
    return [rest[0], *flags, *rest[1:]]


def _normal(word: str) -> str:
    if word.startswith("-") and word[1:].startswith(_LONG):
        word = f"-{word}"
    return "--strict.perms=true" if word == "--strict.perms" else word


def _first_command(words: Sequence[str], run: argparse.ArgumentParser) -> int:
    """Place of the first word that is neither a flag nor the value of one; their number where there is none."""
    with_value = {name for action in run._actions if action.nargs is None for name in action.option_strings}
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in with_value else 1
    return min(place, len(words))
