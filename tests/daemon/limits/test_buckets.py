"""Token buckets, kept by one process or by several (http-surface.md 4)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tidegate.daemon.limits.buckets import Buckets, MemoryTable, Purse, Table, bucket_key
from tidegate.daemon.limits.shared_table import SharedTable

Make = Callable[[int], Table]
A, B, C, D = (bucket_key(f"192.0.2.{number}") for number in range(4))


@pytest.fixture(params=["alone", "shared"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    return MemoryTable if request.param == "alone" else lambda most: SharedTable(tmp_path / "limits", most)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("", "nonsense", True),
        ("", "::", False),
    ],
)
def test_check_23_addresses_and_networks(one: str, other: str, same: bool) -> None:
    assert (bucket_key(one) == bucket_key(other)) == same
    assert len(bucket_key(one)) == 16
    assert any(bucket_key(one))


def test_a_bucket_is_full_at_first_and_fills_again(make: Make) -> None:
    buckets = Buckets(make(10), 2)
    assert [buckets.take(A, 1, 100.0, 0.0) for _ in range(7)] == [0.0] * 6 + [None]
    assert buckets.take(B, 6, 100.0, 0.0) == 0.0
    assert buckets.take(A, 1, 100.4, 0.0) is None
    assert buckets.take(A, 1, 100.5, 0.0) == 0.0
    assert buckets.take(A, 6, 1000.0, 0.0) == 0.0


def test_who_waits_has_taken(make: Make) -> None:
    buckets = Buckets(make(10), 2)
    assert buckets.take(A, 6, 100.0, 1.0) == 0.0
    assert buckets.take(A, 2, 100.0, 1.0) == 1.0
    assert buckets.take(A, 1, 100.0, 1.0) is None, "1.5 s"
    assert buckets.take(A, 1, 101.0, 1.0) == 0.5
    assert buckets.take(A, 7, 1000.0, 9.0) is None, "more than a bucket holds"


def test_nothing_is_free_where_the_limit_is_zero(make: Make) -> None:
    buckets = Buckets(make(10), 0)
    assert buckets.take(A, 1, 100.0, 1.0) is None
    assert buckets.reserve(A, 10, 100.0) == 0


def test_reserving_and_giving_back(make: Make) -> None:
    purse = Purse(Buckets(make(10), 2), "192.0.2.1")
    assert purse.reserve(10, 100.0) == 6
    assert purse.reserve(10, 100.0) == 0
    purse.give_back(4, 100.0)
    assert purse.reserve(3, 100.0) == 3
    purse.give_back(-3, 100.0)
    assert purse.take(1, 100.5, 0.0) is None
    purse.give_back(100, 100.5)
    assert purse.reserve(100, 100.5) == 6
    assert purse.can_hold(6)
    assert not purse.can_hold(7)


def test_check_24_a_new_address_inherits_from_the_oldest(make: Make) -> None:
    buckets = Buckets(make(2), 1)
    assert buckets.take(A, 3, 100.0, 0.0) == 0.0
    assert buckets.take(B, 1, 100.1, 0.0) == 0.0
    assert buckets.take(C, 1, 100.2, 0.0) is None, "the tokens of A, of which none are left"
    assert buckets.take(D, 1, 100.3, 0.0) == 0.0, "those of B"
    assert buckets.take(A, 3, 100.4, 0.0) is None, "not fresh ones"


def test_a_clock_that_is_behind_another_takes_nothing(make: Make) -> None:
    buckets = Buckets(make(2), 1)
    assert buckets.take(A, 2, 100.0, 0.0) == 0.0
    assert buckets.take(A, 1, 99.9, 0.0) == 0.0


def test_acceptors_share_one_limit(tmp_path: Path) -> None:
    first, second = (Buckets(SharedTable(tmp_path / "limits", 100), 1) for _ in range(2))
    assert first.take(A, 2, 100.0, 0.0) == 0.0
    assert second.take(A, 1, 100.0, 0.0) == 0.0
    assert first.take(A, 1, 100.0, 0.0) is None
    for number in range(300):
        second.take(bucket_key(f"10.0.{number // 250}.{number % 250}"), 1, 101.0 + number, 0.0)
    assert (tmp_path / "limits").stat().st_size == 100 * 32


def test_a_lock_does_not_outlive_its_holder(tmp_path: Path) -> None:
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with SharedTable(tmp_path / "limits", 10).locked():
            os.write(tell, b"x")
            signal.pause()
        os._exit(0)
    os.read(ready, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert Buckets(SharedTable(tmp_path / "limits", 10), 1).take(A, 1, 100.0, 0.0) == 0.0


def test_processes_take_no_token_twice(tmp_path: Path) -> None:
    children = []
    for _ in range(3):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            buckets = Buckets(SharedTable(tmp_path / "limits", 10), 100)
            got = sum(buckets.take(A, 1, 100.0, 0.0) is not None for _ in range(250))
            os.write(writing, str(got).encode())
            os._exit(0)
        children.append((child, reading))
    taken = [int(os.read(reading, 20)) for _, reading in children]
    for child, _ in children:
        os.waitpid(child, 0)
    assert sum(taken) == 300
