"""Names of services that anonymous senders make up: a bounded number, kept over restarts, over all workers."""

from __future__ import annotations

from pathlib import Path

from tidegate.workers.store.anonymous_services import LONGEST_NAME, AnonymousServices


def test_no_more_than_the_limit_over_restarts_and_workers(tmp_path: Path) -> None:
    file = tmp_path / "services"
    first, second = AnonymousServices(file, 3), AnonymousServices(file, 3)
    assert first.admit("a")
    assert second.admit('b"\n')
    assert first.admit("c")
    assert [second.admit(name) for name in ("a", "c", "d", 'b"\n')] == [True, True, False, True]
    assert [AnonymousServices(file, 3).admit(name) for name in ("a", "d")] == [True, False]
    assert AnonymousServices(file, 4).admit("d")


def test_ten_thousand_names_leave_a_small_file(tmp_path: Path) -> None:
    services = AnonymousServices(tmp_path / "services", 100)
    assert sum(services.admit(f"service {number}") for number in range(10_000)) == 100
    assert not services.admit("x" * (LONGEST_NAME + 1))
    assert (tmp_path / "services").stat().st_size < 10_000


def test_half_a_line_is_no_name(tmp_path: Path) -> None:
    file = tmp_path / "services"
    file.write_bytes(b'"a"\n"half')
    services = AnonymousServices(file, 2)
    assert services.admit("b")
    again = AnonymousServices(file, 2)
    assert [again.admit(name) for name in ("a", "b", "half")] == [True, True, False]


def test_a_file_that_cannot_be_written_admits_nobody_new(tmp_path: Path) -> None:
    assert not AnonymousServices(tmp_path / "none" / "services", 2).admit("a")
