"""Secret tokens and what they allow."""

from __future__ import annotations

import pytest
from tidegate.daemon.auth.identity import CONFIG_READ, EVENT_WRITE, OPEN, STRANGER, Identity, Method
from tidegate.daemon.auth.tokens import Tokens, keyed_digest
from tidegate.daemon.settings.parts import TokenPart

TOKENS = Tokens([TokenPart("old", "", [], []), TokenPart("newer", "ci", [], ["shop"])], keyed_digest(b"k" * 32))


@pytest.mark.parametrize(
    ("token", "name"), [(b"old", ""), (b"newer", "ci"), (b"ol", None), (b"oldx", None), (b"", None), (b"\xff", None)]
)
def test_check_16_and_20_several_tokens_are_good_whatever_their_length(token: bytes, name: str | None) -> None:
    identity = TOKENS.identify(token)
    assert (identity.name if identity else None) == name


def test_no_tokens_are_false() -> None:
    assert TOKENS
    assert not Tokens([], keyed_digest(b""))


def test_digests_depend_on_the_key() -> None:
    assert keyed_digest(b"1")(b"x") != keyed_digest(b"2")(b"x")


@pytest.mark.parametrize(
    ("identity", "action", "service", "refusal"),
    [
        (OPEN, EVENT_WRITE, "any", ""),
        (TOKENS.identify(b"newer"), EVENT_WRITE, "shop", ""),
        (
            TOKENS.identify(b"newer"),
            EVENT_WRITE,
            'a"b',
            'unauthorized: secret token "ci" not permitted for service "a\\"b"',
        ),
        (
            Identity(Method.API_KEY, frozenset([EVENT_WRITE])),
            CONFIG_READ,
            None,
            'unauthorized: API Key not permitted action "config_agent:read"',
        ),
        (STRANGER, EVENT_WRITE, None, 'unauthorized: anonymous access not permitted action "event:write"'),
    ],
)
def test_what_is_refused(identity: Identity, action: str, service: str | None, refusal: str) -> None:
    assert identity.refused(action, service) == refusal
