"""As whom `tidegate setup` comes: the person who sets up, else the user or key of the settings."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Mapping

from msgspec.structs import replace
from tidegate.daemon.settings.parts import ElasticsearchPart

PASSWORD_VARIABLE, KEY_VARIABLE = "TIDEGATE_SETUP_PASSWORD", "TIDEGATE_SETUP_API_KEY"


class NoPassword(Exception):
    """A user was named, and there is no way to learn its password."""


def identified(
    part: ElasticsearchPart,
    user: str,
    environ: Mapping[str, str],
    ask: Callable[[str], str] | None = None,
) -> ElasticsearchPart:
    """`part` with the credentials of `user`, whose password is in the environment or asked for; without a user with the API
    key of the environment, else as it is. Raises NoPassword."""
    if user:
        password = environ.get(PASSWORD_VARIABLE)
        if password is None:
            if ask is None:
                raise NoPassword(f"set {PASSWORD_VARIABLE} to the password of {user}, or run this on a terminal")
            password = ask(f"password of {user}: ")
        return replace(part, username=user, password=password, api_key="", headers=_anonymous(part.headers))
    if key := environ.get(KEY_VARIABLE):
        return replace(part, username="", password="", api_key=key, headers=_anonymous(part.headers))
    return part


def _anonymous(headers: Mapping[str, str]) -> dict[str, str]:
    """Without credentials, which would win over ours."""
    return {name: value for name, value in headers.items() if name.lower() != "authorization"}


def asking() -> Callable[[str], str] | None:
    """How to ask a person; None where there is none."""
    return getpass.getpass if sys.stdin.isatty() else None
