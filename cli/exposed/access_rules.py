"""Who may send: tokens, API keys, anonymous senders. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.cli.exposed.finding import Finding, Severity
from tidegate.cli.exposed.subject import Subject
from tidegate.daemon.settings import auth, server, table
from tidegate.daemon.settings.parts import AnonymousPart

SHORTEST_TOKEN = 8
"""Characters. Guesses are slowed down for each address, but many addresses can guess."""
GUESSED_FIRST = frozenset(
    ("changeme", "changeit", "password", "elastic", "secret_token", "secret-token", "supersecret", "apm-server")
)
MOST_EVENTS = 3000
"""A second and address: ten times the default, which is far above what a page sends."""
MOST_SERVICES = 1000
"""Names that strangers may make up: ten times the default; each makes data streams."""
_RANDOM = "a long random text, such as `openssl rand -hex 24` prints, by way of a variable: ${SECRET_TOKEN}"
_OLD_TOKENS = ("apm-server.secret_token", "apm-server.api_key")
_PAGES = frozenset(auth.ALLOW_AGENT.default)


def credentials(subject: Subject) -> Iterator[Finding]:
    """What is believed to keep strangers out, and does not."""
    settings, protected = subject.settings, subject.is_protected
    if not protected and subject.is_public:
        yield Finding(
            "no-authentication",
            Severity.CRITICAL,
            f"nothing is asked for on {settings[server.HOST]}: whoever can reach this port may send, without any limit",
            auth.SECRET_TOKEN.key,
            _RANDOM,
        )
    elif not protected:
        yield Finding(
            "open-on-this-machine",
            Severity.NOTE,
            "nothing is asked for: every program of this machine may send, and whoever a proxy on it lets through",
            auth.SECRET_TOKEN.key,
            f"with a proxy in front: {_RANDOM}",
        )
    if auth.SECRET_TOKEN in settings.values and not settings[auth.SECRET_TOKEN]:
        variables = ", ".join(settings.origins[auth.SECRET_TOKEN.key].through)
        yield Finding(
            "empty-token",
            Severity.HIGH if protected else Severity.CRITICAL,
            f"a secret token is set, and is empty{f' ({variables})' if variables else ''}: it protects nothing",
            auth.SECRET_TOKEN.key,
            _RANDOM,
        )
    for key, fate in settings.ignored.items():
        if not fate.alarm:
            continue
        is_token = key.startswith(_OLD_TOKENS)
        worst = Severity.HIGH if protected else Severity.CRITICAL
        yield Finding(
            "old-key-protects-nothing" if is_token else "old-key-limits-nothing",
            worst if is_token else Severity.MEDIUM,
            f"{key} is a key of an older version: {fate.consequence}",
            key,
            "leave it out, and set the key of today that this names",
        )


def tokens(subject: Subject) -> Iterator[Finding]:
    """Tokens that can be guessed or seen."""
    if any(_is_weak(one.token) for one in subject.part.auth.tokens):
        yield Finding(
            "weak-token",
            Severity.LOW,
            f"a secret token is a word that is guessed first, or has fewer than {SHORTEST_TOKEN} characters, or one only",
            auth.SECRET_TOKEN.key,
            _RANDOM,
        )
    for key in secrets_on_command_line(subject):
        yield Finding(
            "secret-on-command-line",
            Severity.HIGH,
            f"{key} stands on the command line: every user of this machine can read it (ps)",
            key,
            "in the settings file, as a variable: ${NAME} with LoadCredential= or the environment",
        )


def _is_weak(token: str) -> bool:
    return len(token) < SHORTEST_TOKEN or len(set(token)) == 1 or token.lower() in GUESSED_FIRST


def secrets_on_command_line(subject: Subject) -> list[str]:
    """Keys of secrets that `-E` gives in clear; a variable there is none."""
    settings = subject.settings
    return [
        key
        for key, origin in settings.origins.items()
        if origin.place == "-E" and not origin.through and table.SETTINGS[key].secret and settings[table.SETTINGS[key]]
    ]


def strangers(subject: Subject) -> Iterator[Finding]:
    """Senders without credentials, where others need some."""
    anonymous = subject.part.auth.anonymous
    if anonymous is None:
        return
    if not anonymous.allow_services:
        yield Finding(
            "anonymous-any-service",
            Severity.HIGH if subject.is_public else Severity.MEDIUM,
            "anonymous senders may send in the name of any service, also of your backend's, and make up "
            f"{subject.settings[auth.MAX_SERVICES]} names; and they may read what is configured for agents of any name",
            auth.ALLOW_SERVICE.key,
            "the names that your pages use",
        )
    if not anonymous.rum_only:
        yield Finding(
            "anonymous-beside-browsers",
            Severity.MEDIUM,
            "anonymous senders may use the paths of services, too, not only those of browsers",
            auth.RUM_ONLY.key,
            "true",
        )
    if further := [name for name in anonymous.allow_agents if name not in _PAGES]:
        yield Finding(
            "anonymous-agents",
            Severity.LOW,
            f"anonymous senders may claim to be agents that could have a token: {', '.join(further)}",
            auth.ALLOW_AGENT.key,
            "leave it out: agents of browsers only",
        )
    yield from _amounts(subject, anonymous)


def _amounts(subject: Subject, anonymous: AnonymousPart) -> Iterator[Finding]:
    if anonymous.event_limit > MOST_EVENTS:
        yield Finding(
            "anonymous-rate",
            Severity.MEDIUM,
            f"an anonymous address may send {anonymous.event_limit} events a second: a few of them can fill the store",
            auth.EVENT_LIMIT.key,
            f"at most {MOST_EVENTS}; {auth.EVENT_LIMIT.default} is the default",
        )
    if not anonymous.event_limit:
        yield Finding(
            "anonymous-rate-zero",
            Severity.NOTE,
            "the limit of events is 0: every anonymous request is answered 429, although anonymous senders are let in",
            auth.EVENT_LIMIT.key,
            f"a number, or `{auth.ANONYMOUS_ENABLED.key}: false`",
        )
    services = subject.settings[auth.MAX_SERVICES]
    if services > MOST_SERVICES and not anonymous.allow_services:
        yield Finding(
            "anonymous-services",
            Severity.LOW,
            f"anonymous senders may make up {services} names of services, each with data streams of its own",
            auth.MAX_SERVICES.key,
            f"at most {MOST_SERVICES}; {auth.MAX_SERVICES.default} is the default",
        )
