"""Rules of agent configuration, and which one is for a service (http-surface.md 6.3, 6.4). Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

VISIBLE = ("transaction_sample_rate",)
"""The settings that callers without credentials may see."""


class Rule(msgspec.Struct, frozen=True):
    """What agents of a service are told. An empty name or environment stands for any."""

    service: str
    environment: str
    agent_name: str
    """Empty: of any agent."""
    settings: dict[str, str] | None
    """Names in order; None where the stored rule has none at all, which is told apart."""
    etag: str


class Rules:
    """All rules of one reading, found by what they are for."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._first: dict[tuple[str, str], Rule] = {}
        self._last: dict[tuple[str, str], Rule] = {}
        for rule in rules:
            place = (rule.service, rule.environment)
            self._first.setdefault(place, rule)
            self._last[place] = rule

    def __len__(self) -> int:
        """Places that have a rule."""
        return len(self._first)

    def find(self, service: str, environment: str) -> Rule | None:
        """The rule for exactly this pair, else for the service, else for the environment, else for all. Of several for the
        same, the first counts where it fits exactly and the last elsewhere, as in the original."""
        exact = self._first.get((service, environment))
        if exact is not None:
            return exact
        return self._last.get((service, "")) or self._last.get(("", environment)) or self._last.get(("", ""))


def seen_by_anonymous(rule: Rule, agents: tuple[str, ...]) -> Rule | None:
    """What a caller without credentials sees of the rule: nothing, if it is for an agent whose name begins with none of
    `agents`; else the etag, and of the settings those that tell nothing."""
    if rule.agent_name and not rule.agent_name.startswith(agents):
        return None
    settings = {name: text for name, text in (rule.settings or {}).items() if name in VISIBLE}
    return msgspec.structs.replace(rule, settings=settings)
