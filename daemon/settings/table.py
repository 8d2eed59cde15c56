"""Every declared key, and what becomes of one that is not declared."""

from __future__ import annotations

import difflib
from typing import Any

from tidegate.daemon.settings import (
    agent_config,
    auth,
    logging_section,
    monitoring,
    old,
    output,
    paths,
    processing,
    rum,
    server,
    source_maps,
    tidegate_section,
    tls_section,
)
from tidegate.daemon.settings.declare import Group, Setting

SECTIONS = (
    server.SECTION,
    tls_section.SECTION,
    auth.SECTION,
    rum.SECTION,
    source_maps.SECTION,
    agent_config.SECTION,
    processing.SECTION,
    output.SECTION,
    tidegate_section.SECTION,
    logging_section.SECTION,
    monitoring.SECTION,
    paths.SECTION,
    old.SECTION,
)
"""In the order of the reference."""

SETTINGS: dict[str, Setting[Any]] = {setting.key: setting for section in SECTIONS for setting in section.settings}
GROUPS: dict[str, Group] = {group.prefix: group for section in SECTIONS for group in section.groups}

_NEARLY_THE_SAME = 0.9
"""Likeness (difflib) of a key with a typo or two."""
_LIKE = 0.6
"""Likeness from which a name is offered at all."""


def declared(key: str) -> Setting[Any] | Group | None:
    """What the key belongs to: its setting, a map whose names are the user's own, or the innermost group."""
    if key in SETTINGS:
        return SETTINGS[key]
    parts = key.split(".")
    for end in range(len(parts), 0, -1):
        prefix = ".".join(parts[:end])
        if prefix in SETTINGS and SETTINGS[prefix].kind.free_names:
            return SETTINGS[prefix]
        if prefix in GROUPS:
            return GROUPS[prefix]
    return None


def is_section(key: str) -> bool:
    """Whether the key is only the beginning of declared ones."""
    return any(other.startswith(f"{key}.") for other in (*SETTINGS, *GROUPS))


def nearest(key: str) -> str:
    """The declared key that was probably meant: nearly the same, the same in another place, or similar; empty if none."""
    alike: list[str] = difflib.get_close_matches(key, SETTINGS, 1, _LIKE)
    if alike and difflib.SequenceMatcher(None, key, alike[0]).ratio() >= _NEARLY_THE_SAME:
        return alike[0]
    parts = key.split(".")
    # one word alone, such as `enabled`, means too many things
    tails = [key, *(".".join(parts[begin:]) for begin in range(1, len(parts) - 1))]
    for tail in tails:
        if found := [other for other in SETTINGS if other == tail or other.endswith(f".{tail}")]:
            return found[0]
    return alike[0] if alike else ""
