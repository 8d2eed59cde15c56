"""`${NAME}`, `${NAME:default}`, `${NAME:+other}` and `${NAME:?message}` inside values (http-surface.md 7.1).

`$$` stands for `$` and `$}` for `}`, as in the original."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

_DEEPEST = 16
"""Expressions inside each other."""
_LONGEST = 1 << 20
"""Characters of an expanded value: systemd's own limit for a credential is 1 MiB."""

LookUp = Callable[[str], "Found | None"]


class Found(NamedTuple):
    """The content of a variable, and where it stood (`environment NAME`, `credential NAME`, `setting KEY`)."""

    text: str
    place: str


class Unresolved(ValueError):
    """A variable that is set nowhere, or an expression that is none; the text says what to do."""


class Expanded(NamedTuple):
    """A text without variables."""

    text: str
    places: tuple[str, ...]
    """Where the variables in it stood."""


class _Expression(NamedTuple):
    name: _Pieces
    operator: str
    """Empty, `:`, `:+` or `:?`."""
    right: _Pieces


_Pieces: TypeAlias = "tuple[str | _Expression, ...]"


def expand(text: str, look_up: LookUp) -> Expanded:
    """The text with its variables replaced. Raises Unresolved."""
    if "$" not in text:
        return Expanded(text, ())
    places: dict[str, None] = {}
    result = _evaluated(_Parser(text).pieces("", 0), look_up, places)
    if len(result) > _LONGEST:
        raise Unresolved("the value is longer than 1 MiB after its variables are replaced")
    return Expanded(result, tuple(places))


def named_sources(environ: Mapping[str, str]) -> LookUp:
    """Looks in systemd's credentials folder first (it stands for the original's keystore), then in the environment."""
    folder = environ.get("CREDENTIALS_DIRECTORY", "")

    def look_up(name: str) -> Found | None:
        if folder and name and "/" not in name and not name.startswith(".") and "\0" not in name:
            try:
                content = Path(folder, name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                pass
            else:
                return Found(content.removesuffix("\n"), f"credential {name}")
        content_or_none = environ.get(name)
        return None if content_or_none is None else Found(content_or_none, f"environment {name}")

    return look_up


def missing(name: str) -> str:
    """What to say of a variable that is set nowhere."""
    return (
        f"the variable {name} is not set: it is neither in the environment nor among systemd's credentials. "
        f"The original's keystore is not read: hand the value over as an environment variable ({name}=…), "
        f"with `LoadCredential={name}:/path/to/file` in the unit, or give a default: ${{{name}:default}}"
    )


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def pieces(self, stops: str, depth: int) -> _Pieces:
        """Text and expressions up to one of the stops (left in place) or the end; outside only `$` has a meaning."""
        text = self._text
        pieces: list[str | _Expression] = []
        while self._at < len(text) and text[self._at] not in stops:
            two = text[self._at : self._at + 2]
            if two == "${":
                self._at += 2
                pieces.append(self._expression(depth + 1))
            elif two in ("$$", "$}"):
                self._at += 2
                pieces.append(two[1])
            else:
                self._at += 1
                pieces.append(two[0])
        return tuple(pieces)

    def _expression(self, depth: int) -> _Expression:
        if depth > _DEEPEST:
            raise Unresolved("expressions ${…} are nested too deep")
        name = self.pieces(":}", depth)
        operator = ""
        right: _Pieces = ()
        if self._text.startswith(":", self._at):
            two = self._text[self._at : self._at + 2]
            operator = two if two in (":?", ":+") else ":"
            self._at += len(operator)
            right = self.pieces("}", depth)
        if not self._text.startswith("}", self._at):
            raise Unresolved("an expression ${…} lacks its '}'; write $$ for a dollar sign")
        self._at += 1
        if not name:
            raise Unresolved("an expression ${} names no variable; write $$ for a dollar sign")
        return _Expression(name, operator, right)


def _evaluated(pieces: _Pieces, look_up: LookUp, places: dict[str, None]) -> str:
    return "".join(piece if isinstance(piece, str) else _value(piece, look_up, places) for piece in pieces)


def _value(expression: _Expression, look_up: LookUp, places: dict[str, None]) -> str:
    name = _evaluated(expression.name, look_up, places)
    found = look_up(name)
    if expression.operator == ":+":
        return "" if found is None else _evaluated(expression.right, look_up, places)
    if found is not None and (found.text or not expression.operator):
        places[found.place] = None
        return found.text
    if not expression.operator:
        raise Unresolved(missing(name))
    right = _evaluated(expression.right, look_up, places)
    if expression.operator == ":?":
        raise Unresolved(f"{right or 'not set'} (the variable {name} is empty or not set)")
    return right
