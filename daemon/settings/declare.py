"""How a setting is declared: once, with its type, default, help, fate, and whether a reload takes it up."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

from tidegate.daemon.settings.kinds import Kind

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Applies(Enum):
    """When a changed value takes effect."""

    RELOAD = "reload"
    RESTART = "restart"


@dataclass(frozen=True)
class Honoured:
    """The setting does what its help says."""


@dataclass(frozen=True)
class Warned:
    """The setting is read and checked, and has no effect; a start with a value other than the default warns."""

    consequence: str
    """What happens instead, in words."""
    alarm: bool = False
    """The consequence touches safety: logged at error level at every start."""


@dataclass(frozen=True)
class Refused:
    """Ignoring the setting would lose data or safety: a value other than the default is a start error."""

    why: str


Fate: TypeAlias = Honoured | Warned | Refused
HONOURED = Honoured()


@dataclass(frozen=True)
class Gate:
    """The switch of a section: where it is off, what the section says has no consequence."""

    key: str
    """Of a boolean setting that defaults to false."""
    on_by_section: bool = True
    """A section without the switch counts as on (http-surface.md 7.2, 7.5, 9.2)."""


@dataclass(frozen=True)
class Setting(Generic[T_co]):
    """One key."""

    key: str
    kind: Kind[T_co]
    default: T_co
    help: str
    applies: Applies = Applies.RESTART
    fate: Fate = HONOURED
    gate: Gate | None = None
    secret: bool = False
    shown_default: str = ""
    """For the reference, where the default is worked out at the start."""


@dataclass(frozen=True)
class Group:
    """All keys below a prefix that are not declared one by one: their values are not looked at."""

    prefix: str
    help: str
    fate: Fate
    gate: Gate | None = None


@dataclass
class Section:
    """The settings of one module, in the order of the reference."""

    title: str
    introduction: str
    applies: Applies = Applies.RESTART
    """When changed values take effect, of settings that do not say it themselves."""
    settings: list[Setting[Any]] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    def setting(
        self,
        key: str,
        kind: Kind[T],
        default: T,
        help: str,
        *,
        applies: Applies | None = None,
        fate: Fate = HONOURED,
        gate: Gate | None = None,
        secret: bool = False,
        shown_default: str = "",
    ) -> Setting[T]:
        """Declares a setting and returns it, for typed look-ups."""
        declared = Setting(key, kind, default, help, applies or self.applies, fate, gate, secret, shown_default)
        self.settings.append(declared)
        return declared

    def group(self, prefix: str, help: str, fate: Fate, gate: Gate | None = None) -> Group:
        """Declares what becomes of all other keys below the prefix."""
        declared = Group(prefix, help, fate, gate)
        self.groups.append(declared)
        return declared
