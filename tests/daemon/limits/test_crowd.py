"""Connections by client address."""

from __future__ import annotations

from tidegate.daemon.limits.crowd import Crowd


def test_each_address_has_its_own_count() -> None:
    crowd = Crowd(2)
    assert [crowd.enter(ip) for ip in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.1")] == [True, True, True, False]
    crowd.leave("10.0.0.1")
    assert not crowd.enter("10.0.0.1"), "two are open still"
    for ip in ("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"):
        crowd.leave(ip)
    assert crowd.enter("10.0.0.1")
    assert len(crowd._open) == 1


def test_zero_is_no_limit() -> None:
    crowd = Crowd(0)
    assert all(crowd.enter("") for _ in range(100))
