"""The kind of `tidegate.auth.secret_tokens`: texts, or maps with a token and what it is limited to."""

from __future__ import annotations

from typing import NamedTuple

from tidegate.daemon.settings.kinds import Kind, Unfit, text, texts
from tidegate.daemon.settings.leaves import Leaf

_NAMES = ("token", "name", "allow_agent", "allow_service")
LONGEST_TOKEN = 4096
"""Bytes; a header of the `public` profile holds four of them."""


class SecretToken(NamedTuple):
    """One token."""

    token: str
    name: str = ""
    allow_agent: tuple[str, ...] = ()
    allow_service: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without the token: whatever is printed by mistake may be read by anybody."""
        return f"SecretToken({self.name!r})"


def _read(leaf: Leaf) -> tuple[SecretToken, ...]:
    elements = leaf.value if isinstance(leaf.value, tuple) else (leaf,)
    return tuple(_one(element) for element in elements)


def _one(leaf: Leaf) -> SecretToken:
    if not isinstance(leaf.value, dict):
        return _checked(SecretToken(text.read(leaf)))
    if unknown := [name for name in leaf.value if name not in _NAMES]:
        raise Unfit(f"holds the unknown key `{unknown[0]}` (there are {', '.join(_NAMES)})")
    if "token" not in leaf.value:
        raise Unfit("holds an element without `token`")
    given = {name: texts.read(value) for name, value in leaf.value.items() if value.value is not None}
    return _checked(
        SecretToken(
            "".join(given.get("token", ())),
            "".join(given.get("name", ())),
            given.get("allow_agent", ()),
            given.get("allow_service", ()),
        )
    )


def _checked(token: SecretToken) -> SecretToken:
    if not token.token.strip():
        raise Unfit("holds an empty token, which would protect nothing")
    if token.token != token.token.strip() or len(token.token.encode()) > LONGEST_TOKEN:
        raise Unfit(f"holds a token with space round it, or of more than {LONGEST_TOKEN} bytes: no agent could send it")
    return token


secret_tokens = Kind("list of tokens, or of maps with `token`, `name`, `allow_agent`, `allow_service`", _read)
