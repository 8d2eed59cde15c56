"""What a reload changes: fresh settings beside those in force, and which of both hold from now on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from tidegate.daemon.settings import checks, paths, table, tidegate_section
from tidegate.daemon.settings.declare import Applies, Honoured, Setting
from tidegate.daemon.settings.effective import Settings, worked_out
from tidegate.daemon.settings.problems import DEFAULT, Origin
from tidegate.daemon.settings.shown import MASK, shown
from tidegate.daemon.settings.values import Values

_OF_ONE_OUTPUT = ("output.", "cloud.")
"""Keys that go with the kind of output: where that is to change, all of them wait for the restart."""


class Change(NamedTuple):
    """A key whose value differs from that in force."""

    key: str
    old: str
    """Masked where it is a secret."""
    new: str
    origin: str

    def __str__(self) -> str:
        if MASK in (self.old, self.new):
            return f"{self.key} has changed ({self.origin})"
        return f"{self.key}: {self.old or 'nothing'} → {self.new or 'nothing'} ({self.origin})"


class Changes(NamedTuple):
    """What becomes of fresh settings."""

    settings: Settings
    """To be in force from now on."""
    applied: tuple[Change, ...]
    waiting: tuple[Change, ...]
    """They need a restart; the old values stay."""


def take_up(running: Settings, fresh: Settings) -> Changes:
    """Takes from `fresh` what can be changed while Tidegate runs, and leaves the rest as it is in `running`."""
    kinds_differ = running.sink_name != fresh.sink_name
    applied: list[Change] = []
    waiting: list[Change] = []
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for setting in table.SETTINGS.values():
        stays = _stays(setting, running, fresh, kinds_differ=kinds_differ)
        source = running if stays else fresh
        if setting in source.values:
            values[setting.key] = source[setting]
            origins[setting.key] = source.origins.get(setting.key, DEFAULT)
        if running[setting] != fresh[setting] and _matters(setting, running, fresh):
            (waiting if stays else applied).append(_change(setting, running, fresh))
    if kinds_differ:
        waiting.append(Change("output", running.sink_name, fresh.sink_name, str(fresh.source or "-E")))
    merged = Values(values)
    placed = worked_out(
        merged,
        running.acceptors,
        running.workers,
        running.placed[paths.DATA.key],
        tls=fresh.tls,
    )
    settings = replace(
        fresh,
        values=merged,
        origins=origins,
        machine=running.machine,
        sink_name=running.sink_name,
        path_data=running.path_data,
        runtime_folder=running.runtime_folder,
        acceptors=running.acceptors,
        workers=running.workers,
        placed=placed,
    )
    return Changes(settings, tuple(applied), tuple(waiting))


def _stays(setting: Setting[Any], running: Settings, fresh: Settings, *, kinds_differ: bool) -> bool:
    if setting.applies is Applies.RESTART or (kinds_differ and setting.key.startswith(_OF_ONE_OUTPUT)):
        return True
    # Checked against the number of workers that the fresh settings name, which may be another one.
    too_little = checks.LEAST_SPOOL_SHARE * running.workers
    return setting is tidegate_section.SPOOL_MAX_BYTES and fresh[tidegate_section.SPOOL_MAX_BYTES] < too_little


def _matters(setting: Setting[Any], running: Settings, fresh: Settings) -> bool:
    """Whether the value has any effect, in the old settings or the fresh ones."""
    if not isinstance(setting.fate, Honoured):
        return False
    if setting.gate is None or setting.gate.on_by_section:
        return True
    switch = table.SETTINGS[setting.gate.key]
    return bool(running[switch] or fresh[switch])


def _change(setting: Setting[Any], running: Settings, fresh: Settings) -> Change:
    return Change(
        setting.key, shown(setting, running[setting]), shown(setting, fresh[setting]), fresh.origin(setting.key)
    )
