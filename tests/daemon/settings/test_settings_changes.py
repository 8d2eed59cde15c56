"""What a reload takes up, what it leaves, and how it says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
from settings_loading import MACHINE, Loading
from tidegate.daemon.settings import table, tidegate_section
from tidegate.daemon.settings.changes import Changes, take_up

ES = "output.elasticsearch.hosts: [es]\n"


def reload(loading: Loading, before: str, after: str) -> Changes:
    running = loading(before)
    return take_up(running, loading(after))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("apm-server.auth.secret_token", "s"),
        ("apm-server.auth.api_key.enabled", "true"),
        ("apm-server.auth.anonymous.enabled", "true"),
        ("apm-server.rum.enabled", "true"),
        ("apm-server.rum.library_pattern", "x"),
        ("apm-server.max_connections", "7"),
        ("apm-server.shutdown_timeout", "7s"),
        ("apm-server.data_streams.namespace", "other"),
        ("apm-server.wait_ready_interval", "1s"),
        ("apm-server.agent.config.cache.expiration", "7s"),
        ("apm-server.agent.config.elasticsearch.username", "other"),
        ("tidegate.profile", "compatible"),
        ("tidegate.documents", "raw"),
        ("tidegate.auth.anonymous.max_services", "7"),
        ("tidegate.spool.max_bytes", "1GiB"),
        ("tidegate.spool.memory", "7MiB"),
        ("tidegate.dead_letters.max_age", "1d"),
        ("output.elasticsearch.password", "p"),
        ("output.elasticsearch.hosts", "[other]"),
        ("output.elasticsearch.compression_level", "1"),
        ("output.elasticsearch.ssl.verification_mode", "none"),
        ("logging.level", "debug"),
    ],
)
def test_what_can_be_changed_is(loading: Loading, key: str, value: str) -> None:
    before = f"{ES}apm-server.rum.enabled: {str(key != 'apm-server.rum.enabled').lower()}\n"
    after = before.replace(ES, "") if key == "output.elasticsearch.hosts" else before
    after = after.replace(key, "# before") + f"{key}: {value}\n"
    running, fresh = loading(before), loading(after)
    changes = take_up(running, fresh)
    assert changes.settings.acceptor_part() == fresh.acceptor_part()
    assert changes.settings.worker_part(0) == fresh.worker_part(0)
    assert changes.waiting == ()
    differs = running[table.SETTINGS[key]] != fresh[table.SETTINGS[key]]
    assert [change.key for change in changes.applied] == ([key] if differs else [])
    assert changes.settings.origin(key) == fresh.origin(key)


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("apm-server.host", "0.0.0.0:8200", "127.0.0.1:8200 → 0.0.0.0:8200"),
        ("apm-server.max_event_size", "1000", "307200 → 1000"),
        ("tidegate.acceptors", "3", "1 → 3"),
        ("tidegate.workers", "7", "auto → 7"),
        ("tidegate.credit", "1MB", "1MiB → 1000000"),
        ("path.data", "/elsewhere", "nothing → /elsewhere"),
        ("logging.to_files", "true", "false → true"),
        ("apm-server.auth.anonymous.rate_limit.ip_limit", "7", "1000 → 7"),
    ],
)
def test_what_needs_a_restart_stays_and_is_named(loading: Loading, key: str, value: str, shown: str) -> None:
    before = ES + "tidegate.workers: auto\n" if key == "tidegate.workers" else ES
    running = loading(before)
    changes = take_up(running, loading(f"{ES}{key}: {value}\ntidegate.version: 1.2.3\n"))
    assert [change.key for change in changes.waiting] == [key]
    assert f"{key}: {shown} (" in str(changes.waiting[0])
    assert changes.settings.acceptor_part().version == "1.2.3", "the rest is taken up"
    again = take_up(changes.settings, running)
    assert again.settings.acceptor_part() == running.acceptor_part()
    assert again.settings.worker_part(0) == running.worker_part(0)
    assert again.waiting == ()


def test_another_kind_of_output_waits_with_all_its_keys(loading: Loading) -> None:
    before = "output.elasticsearch: {hosts: [es], password: geheim}\n"
    after = "output.local.enabled: true\ntidegate.version: 1.2.3\n"
    changes = reload(loading, before, after)
    assert {change.key for change in changes.waiting} == {
        "output",
        "output.elasticsearch.hosts",
        "output.elasticsearch.password",
    }
    assert "geheim" not in " ".join(map(str, changes.waiting))
    part = changes.settings.worker_part(0)
    assert part.local is None
    assert part.elasticsearch is not None and part.elasticsearch.hosts == ["http://es:9200"]
    assert changes.settings.acceptor_part().version == "1.2.3"


def test_files_that_are_not_written_change_nothing(loading: Loading) -> None:
    changes = reload(loading, ES, ES + "logging.files.keepfiles: 3\n")
    assert (changes.applied, changes.waiting) == ((), ())


def test_a_spool_that_is_too_small_for_the_workers_that_run_waits(loading: Loading) -> None:
    key = tidegate_section.SPOOL_MAX_BYTES.key
    changes = reload(loading, f"{ES}tidegate.workers: 8\n", f"{ES}tidegate: {{workers: 1, spool.max_bytes: 4MiB}}\n")
    assert [change.key for change in changes.waiting] == ["tidegate.workers", key]
    assert changes.settings.worker_part(0).spool.max_bytes == (2 << 30) // 8


def test_facts_of_the_machine_are_those_of_the_start(loading: Loading) -> None:
    running = loading(ES)
    fresh = loading(ES, machine=replace(MACHINE, hostname="other", cores=64))
    changes = take_up(running, fresh)
    assert changes.settings.worker_part(0) == running.worker_part(0)
    assert (changes.settings.workers, changes.settings.acceptors) == (running.workers, running.acceptors)
