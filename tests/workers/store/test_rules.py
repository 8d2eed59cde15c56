"""Which rule is for a service, and what callers without credentials see of it."""

from __future__ import annotations

import pytest
from tidegate.workers.store.rules import Rule, Rules, seen_by_anonymous


def rule(service: str, environment: str, etag: str) -> Rule:
    return Rule(service, environment, "", {}, etag)


ALL = [rule("", "", "any"), rule("", "prod", "prod"), rule("shop", "", "shop"), rule("shop", "prod", "both")]


@pytest.mark.parametrize(
    ("service", "environment", "etag"),
    [
        ("shop", "prod", "both"),
        ("shop", "qa", "shop"),
        ("shop", "", "shop"),
        ("cart", "prod", "prod"),
        ("cart", "qa", "any"),
        ("cart", "", "any"),
        ("SHOP", "prod", "prod"),
    ],
)
@pytest.mark.parametrize("rules", [ALL, ALL[::-1]])
def test_precedence(rules: list[Rule], service: str, environment: str, etag: str) -> None:
    found = Rules(rules).find(service, environment)
    assert found is not None
    assert found.etag == etag


def test_nothing_fits() -> None:
    assert Rules().find("shop", "prod") is None
    assert Rules([rule("shop", "qa", "e"), rule("", "qa", "f")]).find("shop", "prod") is None


@pytest.mark.parametrize(
    ("service", "environment", "asked", "etag"),
    [
        ("shop", "prod", ("shop", "prod"), "first"),
        ("shop", "", ("shop", ""), "first"),
        ("shop", "", ("shop", "prod"), "last"),
        ("", "prod", ("shop", "prod"), "last"),
        ("", "", ("shop", "prod"), "last"),
    ],
)
def test_of_several_the_first_counts_where_it_fits_exactly(
    service: str, environment: str, asked: tuple[str, str], etag: str
) -> None:
    rules = Rules([rule(service, environment, "first"), rule(service, environment, "last")])
    found = rules.find(*asked)
    assert found is not None
    assert found.etag == etag


@pytest.mark.parametrize(
    ("agent_name", "agents", "seen"),
    [
        ("", ("rum-js",), True),
        ("rum-js", ("rum-js", "js-base"), True),
        ("rum-js-next", ("rum-js",), True),
        ("java", ("rum-js", "js-base"), False),
        ("rum", ("rum-js",), False),
        ("java", (), False),
        ("", (), True),
    ],
)
def test_anonymous_callers_see_the_sample_rate_of_their_agents(
    agent_name: str, agents: tuple[str, ...], seen: bool
) -> None:
    whole = Rule("shop", "", agent_name, {"log_level": "debug", "transaction_sample_rate": "0.5"}, "e")
    part = seen_by_anonymous(whole, agents)
    assert (part is not None) == seen
    if part is not None:
        assert (part.settings, part.etag) == ({"transaction_sample_rate": "0.5"}, "e")
