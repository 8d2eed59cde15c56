"""As whom a request is served, and what that allows (http-surface.md 3.3 to 3.6)."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import orjson

EVENT_WRITE = "event:write"
CONFIG_READ = "config_agent:read"
SOURCEMAP_WRITE = "sourcemap:write"
PRIVILEGES = (CONFIG_READ, EVENT_WRITE, SOURCEMAP_WRITE)
"""All there are, in the order in which the original asks for them."""


class Method(Enum):
    """How a sender showed who it is."""

    NONE = "no authentication is configured: everybody may do everything"
    TOKEN = "a secret token"  # noqa: S105 - words for people
    API_KEY = "an API key"
    ANONYMOUS = "nothing: an anonymous sender"


class Identity(NamedTuple):
    """As whom a request is served."""

    method: Method
    privileges: frozenset[str]
    allow_agents: tuple[str, ...] = ()
    """Names of agents that may be given; none: all."""
    allow_services: tuple[str, ...] = ()
    """Names of services that may be given; none: all."""
    name: str = ""
    """Of a secret token that has one."""

    @property
    def known(self) -> bool:
        """Whether the server may say what it is: to everybody but strangers."""
        return self.method is not Method.ANONYMOUS

    @property
    def subject(self) -> str:
        """The beginning of a refusal, after `unauthorized: `."""
        if self.method is Method.ANONYMOUS:
            return "anonymous access"
        if self.method is Method.API_KEY:
            return "API Key"
        return f"secret token {quoted(self.name)}" if self.name else "secret token"

    def refused(self, action: str, service: str | None = None) -> str:
        """Why an action is not allowed, in the answer's words; empty where it is."""
        if action not in self.privileges:
            return f'unauthorized: {self.subject} not permitted action "{action}"'
        if service is not None and self.allow_services and service not in self.allow_services:
            return f"unauthorized: {self.subject} not permitted for service {quoted(service)}"
        return ""


def quoted(name: str) -> str:
    """A client's text in quotes, with escapes for what could end them."""
    return orjson.dumps(name).decode()


OPEN = Identity(Method.NONE, frozenset(PRIVILEGES))
"""Everybody, where nothing is configured."""
STRANGER = Identity(Method.ANONYMOUS, frozenset())
"""Somebody without a good credential, where a route answers nevertheless."""


def anonymous(allow_agents: tuple[str, ...], allow_services: tuple[str, ...]) -> Identity:
    """A sender without credentials who is let in nevertheless: for events and configuration, never for source maps."""
    return Identity(Method.ANONYMOUS, frozenset((EVENT_WRITE, CONFIG_READ)), allow_agents, allow_services)
