"""Settings on their way from leaves to values: conversion, gates and fates; every problem and warning is gathered here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tidegate.daemon.settings import table
from tidegate.daemon.settings.command_line import read_value
from tidegate.daemon.settings.declare import Fate, Gate, Group, Refused, Setting, Warned
from tidegate.daemon.settings.leaves import Leaf
from tidegate.daemon.settings.problems import DEFAULT, Origin, Problem
from tidegate.daemon.settings.values import Values
from tidegate.daemon.settings.variables import Found, LookUp, Unresolved, expand

_KNOWN_BRANCHES = ("apm-server", "tidegate", "output", "logging", "path", "cloud")
_MOST_NAMED = 4
"""Keys that one warning names; a section of a whole page of keys has one consequence."""


class Draft:
    """What was given, converted; `problems`, `warnings` and `alarms` grow as it is looked at."""

    def __init__(self, given: Mapping[str, Leaf], sources: LookUp) -> None:
        self._given = given
        self._sources = sources
        self._expanding: set[str] = set()
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.alarms: list[str] = []
        self.origins: dict[str, Origin] = {}
        self._unresolved: list[tuple[Setting[Any], Problem]] = []
        self._groups: dict[str, tuple[Group, Leaf]] = {}
        self.values = Values(self._converted())
        self.problems += [problem for setting, problem in self._unresolved if self.is_on(setting.gate)]
        self._apply_fates()

    def origin(self, setting: Setting[Any]) -> Origin:
        """Where its value was given."""
        return self.origins.get(setting.key, DEFAULT)

    def problem(self, setting: Setting[Any], text: str) -> None:
        """Notes a mistake at the setting."""
        self.problems.append(Problem(setting.key, text, self.origin(setting)))

    def is_on(self, gate: Gate | None) -> bool:
        """Whether the section behind the gate is in use."""
        if gate is None:
            return True
        switch = table.SETTINGS[gate.key]
        if switch in self.values:
            return bool(self.values[switch])
        section = gate.key.removesuffix("enabled")
        return gate.on_by_section and any(
            key.startswith(section) and leaf.value is not None for key, leaf in self._given.items()
        )

    def outputs(self) -> tuple[list[str], list[str]]:
        """Names of the outputs that are on, and of all that are named."""
        named = dict.fromkeys(key.split(".")[1] for key in self._given if key.startswith("output."))
        on = []
        for name in named:
            if (declared := table.SETTINGS.get(f"output.{name}.enabled")) is not None:
                is_on = bool(self.values[declared])
            elif f"output.{name}" in table.GROUPS:
                is_on = not self._is_off(f"output.{name}.enabled")
            else:  # a misspelt name: warned about as an unknown key
                is_on = False
            if is_on:
                on.append(name)
        return on, list(named)

    def _converted(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, leaf in self._declared():
            setting = table.SETTINGS[key]
            try:
                values[key] = setting.kind.read(self._resolved(leaf))
            except Unresolved as error:
                self._unresolved.append((setting, Problem(key, str(error), leaf.origin)))
            except ValueError as error:
                self.problems.append(Problem(key, str(error), leaf.origin))
            else:
                self.origins[key] = self._resolved(leaf).origin
        return values

    def _declared(self) -> Iterable[tuple[str, Leaf]]:
        """The settings that were given, maps put together again; sets groups aside, tells of unknown keys."""
        found: dict[str, Leaf] = {}
        for key, leaf in self._given.items():
            declared = table.declared(key)
            if isinstance(declared, Group):
                self._groups[key] = (declared, leaf)
            elif declared is None:
                self._unknown(key, leaf)
            elif leaf.value is None:
                continue
            elif declared.kind.free_names and key != declared.key:
                name = key[len(declared.key) + 1 :]
                whole = found.setdefault(declared.key, Leaf({}, "", leaf.origin))
                if isinstance(whole.value, dict):
                    whole.value[name] = leaf
            else:
                found[declared.key] = leaf
        return found.items()

    def _unknown(self, key: str, leaf: Leaf) -> None:
        if table.is_section(key):
            if leaf.value is not None:
                near = f"{key}.enabled" if f"{key}.enabled" in table.SETTINGS else f"{key}.…"
                text = f"is a section, not a value; its keys are written as `{near}`"
                self.problems.append(Problem(key, text, leaf.origin))
            return
        near = table.nearest(key)
        hint = f"; did you mean `{near}`?" if near else ""
        self.warnings.append(f"{leaf.origin}: {key}: this key is unknown and ignored{hint}")

    def _resolved(self, leaf: Leaf) -> Leaf:
        """The leaf with its variables replaced. Raises Unresolved."""
        if isinstance(leaf.value, tuple):
            elements = tuple(self._resolved(element) for element in leaf.value)
            return replace(leaf, value=elements, origin=_through(leaf.origin, elements))
        if isinstance(leaf.value, dict):
            inner = {name: self._resolved(value) for name, value in leaf.value.items()}
            return replace(leaf, value=inner, origin=_through(leaf.origin, inner.values()))
        if not isinstance(leaf.value, str):
            return leaf
        text, places = expand(leaf.value, self._look_up)
        if not places and "${" not in leaf.value:
            return replace(leaf, value=text, text=text)
        origin = leaf.origin._replace(through=places)
        try:
            value = read_value(text, origin, objects=False).value
        except ValueError:
            value = text
        return Leaf(value, text, origin)

    def _look_up(self, name: str) -> Found | None:
        """Another setting of that name, else what the sources say."""
        leaf = self._given.get(name)
        if leaf is None or leaf.value is None or isinstance(leaf.value, tuple | dict):
            return self._sources(name)
        if name in self._expanding:
            raise Unresolved(f"the settings refer to each other in a circle: {name}")
        self._expanding.add(name)
        try:
            text = expand(leaf.value, self._look_up).text if isinstance(leaf.value, str) else leaf.text
        finally:
            self._expanding.discard(name)
        return Found(text, f"setting {name}")

    def _is_off(self, key: str) -> bool:
        leaf = self._given.get(key)
        if leaf is None:
            return False
        try:
            return self._resolved(leaf).value is False
        except Unresolved:
            return False

    def _apply_fates(self) -> None:
        for alarm in (False, True):
            told = self.alarms if alarm else self.warnings
            for text, places in self._fated(Warned, alarm).items():
                keys = [key for key, _ in places]
                more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
                told.append(f"{places[0][1]}: {', '.join(keys[:_MOST_NAMED])}{more}: {text}")
        for text, places in self._fated(Refused, False).items():
            also = [key for key, _ in places[1:]]
            tail = f" (also for {', '.join(also)})" if also else ""
            self.problems.append(Problem(places[0][0], text + tail, places[0][1]))

    def _fated(self, fate: type[Warned] | type[Refused], alarm: bool) -> dict[str, list[tuple[str, Origin]]]:
        """Keys and places that were given against their fate, by the text that tells why."""
        texts: dict[str, list[tuple[str, Origin]]] = {}
        for key, origin, declared in self.against_fate():
            if isinstance(declared, fate) and getattr(declared, "alarm", False) == alarm:
                text = declared.consequence if isinstance(declared, Warned) else declared.why
                texts.setdefault(text, []).append((key, origin))
        return texts

    def against_fate(self) -> Iterable[tuple[str, Origin, Fate]]:
        """Keys that were given with a value that asks for something, where, and what becomes of them."""
        for key, origin in self.origins.items():
            setting = table.SETTINGS[key]
            if self.values[setting] != setting.default and self.is_on(setting.gate):
                yield key, origin, setting.fate
        for setting, problem in self._unresolved:
            if not isinstance(setting.fate, Refused) and self.is_on(setting.gate):
                yield setting.key, problem.origin, setting.fate
        for key, (group, leaf) in self._groups.items():
            is_empty = leaf.value is None or leaf.value == ""
            is_off = self._is_off(f"{group.prefix}.enabled") or (key.endswith(".enabled") and self._is_off(key))
            if not is_empty and not is_off and self.is_on(group.gate):
                yield key, leaf.origin, group.fate


def _through(origin: Origin, leaves: Iterable[Leaf]) -> Origin:
    places = dict.fromkeys(place for leaf in leaves for place in leaf.origin.through)
    return origin._replace(through=tuple(places)) if places else origin
