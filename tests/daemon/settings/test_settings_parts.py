"""What each process is handed, and what is shown of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from settings_loading import MACHINE, Loading
from tidegate.daemon.settings.machine import this_machine
from tidegate.daemon.settings.parts import AcceptorPart, WorkerPart

ES = "output.elasticsearch.hosts: [es]\n"


@pytest.mark.parametrize(
    ("cores", "overrides", "acceptors", "workers"),
    [
        (1, (), 1, 1),
        (4, (), 1, 3),
        (16, ("tidegate.acceptors=auto",), 3, 13),
        (16, ("tidegate.acceptors=4",), 4, 12),
        (16, ("tidegate.workers=2",), 1, 2),
        (16, ("tidegate.workers=auto", "max_procs=4"), 1, 3),
        (16, ("output.elasticsearch.enabled=false", "output.local.enabled=true"), 1, 1),
        (16, ("output.elasticsearch.enabled=false", "output.local.enabled=true", "tidegate.workers=5"), 1, 1),
    ],
)
def test_processes(loading: Loading, cores: int, overrides: tuple[str, ...], acceptors: int, workers: int) -> None:
    settings = loading(ES, *overrides, machine=replace(MACHINE, cores=cores))
    assert (settings.acceptors, settings.workers) == (acceptors, workers)


def test_what_is_bounded_in_all_is_divided(loading: Loading) -> None:
    settings = loading(
        ES + "apm-server: {max_connections: 100, max_concurrent_decoders: 5}\n"
        "tidegate: {acceptors: 4, workers: 8, spool.max_bytes: 64MiB, dead_letters.max_bytes: 80MiB}\n"
        "output.elasticsearch.max_requests: 20\n"
    )
    acceptor = settings.acceptor_part()
    assert (acceptor.max_connections, acceptor.max_concurrent_decoders) == (25, 1)
    parts = [settings.worker_part(number) for number in range(8)]
    assert {part.spool.max_bytes for part in parts} == {8 << 20}
    assert {part.spool.segment_bytes for part in parts} == {2 << 20}
    assert {part.dead_letters.max_bytes for part in parts} == {10 << 20}
    assert len({part.spool.folder for part in parts}) == 8
    assert [part.spool.orphans_from for part in parts] == [8] + [0] * 7
    assert len({part.dead_letters.folder for part in parts}) == 8
    assert {part.elasticsearch.max_requests for part in parts if part.elasticsearch} == {2}


def test_defaults(loading: Loading) -> None:
    settings = loading(ES)
    acceptor = settings.acceptor_part()
    assert (acceptor.version, acceptor.namespace, acceptor.max_event_size) == ("9.5.2", "default", 307_200)
    assert (acceptor.max_connections, acceptor.max_body_size, acceptor.queue_timeout) == (0, 0, 5.0)
    assert (acceptor.hostname, acceptor.build_date) == ("gate", "2026-01-02T03:04:05Z")
    worker = settings.worker_part(0)
    assert worker.spool.max_bytes * 3 <= 2 << 30
    assert (worker.spool.memory, worker.spool.segment_bytes, worker.credit) == (64 << 20, 16 << 20, 1 << 20)
    assert worker.spool.folder == "/home/tide/.local/state/tidegate/spool/0"
    assert (worker.dead_letters.max_age, worker.documents, worker.local) == (30 * 86400.0, "auto", None)
    target = worker.elasticsearch
    assert target is not None
    assert (target.hosts, target.response_timeout, target.flush_documents) == (["http://es:9200"], 60.0, 5000)
    assert (target.backoff_init, target.backoff_max, target.compression_level) == (1.0, 60.0, 5)
    assert (target.flush_bytes, target.flush_interval, target.max_requests) == (1 << 20, 1.0, 4)
    assert target.tls.verification_mode == "full"


def test_the_local_store_gets_complete_documents(loading: Loading) -> None:
    settings = loading(None)
    part = settings.worker_part(0)
    assert (part.documents, part.elasticsearch) == ("complete", None)
    assert part.local == settings.local_part()
    assert part.local is not None
    assert (part.local.max_bytes, part.local.max_age) == (1 << 30, 7 * 86400.0)
    assert loading(None, "tidegate.documents=raw").worker_part(0).documents == "raw"


def test_tls_of_the_output(loading: Loading) -> None:
    text = (
        ES
        + "output.elasticsearch.ssl: {certificate_authorities: /ca.pem, certificate: /c, key: /k, verification_mode: certificate}\n"
    )
    part = loading(text).worker_part(0).elasticsearch
    assert part is not None
    assert (part.tls.certificate_authorities, part.tls.key, part.tls.verification_mode) == (
        ["/ca.pem"],
        "/k",
        "certificate",
    )
    off = loading(text, "output.elasticsearch.ssl.enabled=false").worker_part(0).elasticsearch
    assert off is not None
    assert (off.tls.certificate_authorities, off.tls.key, off.tls.verification_mode) == ([], "", "full")


def test_namespace_of_fleet_overrides(loading: Loading) -> None:
    settings = loading(ES, "data_stream.namespace=one", "apm-server.data_streams.namespace=two")
    assert settings.acceptor_part().namespace == "one"


def test_parts_travel_as_json_and_an_acceptor_holds_no_secret(loading: Loading) -> None:
    settings = loading(ES + "output.elasticsearch: {username: u, password: geheim}\n")
    acceptor = msgspec.json.encode(settings.acceptor_part())
    worker = msgspec.json.encode(settings.worker_part(1))
    assert msgspec.json.decode(acceptor, type=AcceptorPart) == settings.acceptor_part()
    assert msgspec.json.decode(worker, type=WorkerPart) == settings.worker_part(1)
    assert b"geheim" not in acceptor
    assert b"geheim" in worker


def test_check_40_secrets_are_masked_wherever_settings_are_shown(loading: Loading) -> None:
    settings = loading(
        "output.elasticsearch: {hosts: 'http://u:geheim@es', password: geheim, api_key: 'id:geheim', "
        "ssl: {certificate: /c, key: geheim}, headers: {X: geheim}}\n"
    )
    rows = {row.key: row for row in settings.describe()}
    assert "geheim" not in str(list(rows.values()))
    assert "geheim" not in "".join(settings.warnings + settings.alarms)
    assert rows["output.elasticsearch.password"].value == "***"
    assert rows["output.elasticsearch.hosts"].value == "http://***@es"


def test_origins_and_what_was_worked_out(loading: Loading) -> None:
    settings = loading(
        ES, "tidegate.workers=2", environ={"STATE_DIRECTORY": "/var/lib/tidegate", "RUNTIME_DIRECTORY": "/run/a:/b"}
    )
    rows = {row.key: (row.value, row.origin.replace(f"{loading.folder}/", "")) for row in settings.describe()}
    assert rows["output.elasticsearch.hosts"] == ("es", "given.yml:1")
    assert rows["tidegate.workers"] == ("2", "-E")
    assert rows["apm-server.idle_timeout"] == ("45s", "default")
    assert rows["path.data"] == ("/var/lib/tidegate", "environment STATE_DIRECTORY")
    assert settings.runtime_folder == Path("/run/a")
    assert settings.logging_part().format == "json"
    assert loading(ES, machine=replace(MACHINE, terminal=True)).logging_part().format == "human"


def test_this_machine_has_facts() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.build_date.endswith("Z")


@pytest.mark.parametrize(
    ("text", "folder", "hosts", "credentials"),
    [
        (None, "/home/tide/.local/state/tidegate/source-maps", None, None),
        (ES + "output.elasticsearch: {username: a, password: b}", "", ["http://es:9200"], ("a", "b", "")),
        (
            ES + "output.elasticsearch.username: a\napm-server.rum.source_mapping.elasticsearch.api_key: 'c:d'",
            "",
            ["http://es:9200"],
            ("", "", "c:d"),
        ),
        (
            "output.local.enabled: true\napm-server.rum.source_mapping.elasticsearch.hosts: [maps]",
            "",
            ["http://maps:9200"],
            ("", "", ""),
        ),
    ],
)
def test_where_source_maps_are(
    loading: Loading, text: str | None, folder: str, hosts: list[str] | None, credentials: tuple[str, ...] | None
) -> None:
    part = loading(text).worker_part(0).source_maps
    assert (part.mapping, part.timeout, part.max_map_size, part.folder) == (False, 5.0, 500 << 20, folder)
    target = part.elasticsearch
    assert (target and target.hosts) == hosts
    assert (target and (target.username, target.password, target.api_key)) == credentials


def test_frames_are_mapped_where_browsers_are_let_in(loading: Loading) -> None:
    on = "apm-server.rum.enabled=true"
    assert loading(ES, on).source_maps_part().mapping
    assert not loading(ES, on, "apm-server.rum.source_mapping.enabled=false").source_maps_part().mapping
