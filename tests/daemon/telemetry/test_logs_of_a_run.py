"""What `tidegate run` logs, in all its processes: where, in which form, and what never."""

from __future__ import annotations

import gzip
import json
import re
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import MakeDaemon, daemon, fake_elasticsearch, stand_in
from e2e.daemons import Daemon
from e2e.processes import wait_until
from tidegate.daemon.telemetry.formats import printable

__all__ = ["daemon", "fake_elasticsearch", "stand_in"]

MARK = "zq7marked"
INTAKE = "/intake/v2/events"
METADATA = {
    "metadata": {
        "service": {"name": "shop", "agent": {"name": "python", "version": "1"}, "environment": MARK},
        "labels": {MARK: MARK},
        "user": {"id": MARK},
    }
}


def transaction(name: str) -> dict[str, Any]:
    return {
        "transaction": {
            "id": "0123456789abcdef",
            "trace_id": "0" * 32,
            "type": "request",
            "name": name,
            "duration": 1,
            "span_count": {"started": 0},
            "context": {"custom": {MARK: MARK}, "request": {"method": "GET", "headers": {"authorization": MARK}}},
        }
    }


def lines(*values: Any) -> bytes:
    return b"".join(value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n" for value in values)


BAD = [
    lines(METADATA, {MARK: {}}),
    lines(METADATA, f"{MARK}\n".encode()),
    lines(METADATA, b'{"transaction": {"id": .5, "' + MARK.encode() + b'": 1}}\n'),
    lines(METADATA, {"transaction": {"id": MARK}}),
    lines(METADATA, {"transaction": transaction("")["transaction"] | {"duration": "1" + MARK}}),
    lines(METADATA, {"error": {"id": "1", "log": {"message": MARK}, "context": {"tags": {MARK: [MARK]}}}}),
    lines(METADATA, b'{"' + MARK.encode() * 40_000 + b"\n"),
    lines({"metadata": {"service": {"name": f"<{MARK}>"}}}),
    lines({MARK: MARK}),
    MARK.encode(),
    b"",
]


def send_everything(running: Daemon) -> None:
    secrets = {"Authorization": f"Bearer {MARK}", "Cookie": f"a={MARK}", "X-Api-Key": MARK, "Referer": MARK}
    headers = {"Content-Type": "application/x-ndjson", **secrets}
    queries = ("", f"?verbose&token={MARK}", f"?{MARK}", f"?api_key={MARK}&verbose={MARK}")
    for number, body in enumerate(BAD):
        running.request("POST", INTAKE + queries[number % len(queries)], body, headers)
    zipped = gzip.compress(lines(METADATA, transaction(MARK)), mtime=0)
    for body in (zipped, zipped[:-4], zipped[:-8] + b"\0" * 8, b"\x1f\x8b" + MARK.encode()):
        running.request("POST", f"{INTAKE}?{MARK}", body, {**headers, "Content-Encoding": "gzip"})
    for method, target in (
        ("GET", f"{INTAKE}?secret={MARK}"),
        ("PUT", f"/?secret={MARK}"),
        ("GET", f"/?{MARK}"),
        ("GET", f"/{MARK}"),
        ("GET", f"/x/../{MARK}//?{MARK}"),
        ("GET", f"http://user:{MARK}@here/?{MARK}"),
    ):
        running.request(method, target, None, headers)
    running.send_events([METADATA, transaction("refuse-" + MARK), transaction("keep-" + MARK)])


@pytest.mark.parametrize("form", ["json", "human"])
def test_check_40_neither_secrets_nor_contents_are_logged(
    daemon: MakeDaemon, fake_elasticsearch: Any, form: str
) -> None:
    reason = f"failed to parse field [transaction.name] of type [long]. Preview of field's value: 'refuse-{MARK}'"
    fake_elasticsearch.configure(
        item_error_matching="refuse-" + MARK,
        item_error={"status": 400, "type": "document_parsing_exception", "reason": reason},
    )
    running = daemon(
        {
            "output.elasticsearch.hosts": [fake_elasticsearch.url.replace("//", f"//somebody:{MARK}@")],
            "output.elasticsearch.headers": {"X-Secret": MARK},
            "tidegate.logging.format": form,
        }
    ).start()
    send_everything(running)
    wait_until(lambda: "dead letter" in running.output(), "the dead letter is told", 20, running.output)
    fake_elasticsearch.wait_for_documents(2, "traces-apm-*")
    fake_elasticsearch.configure(mode="status", status=500)
    running.send_events([METADATA, transaction("later-" + MARK)])
    wait_until(lambda: "answers 500" in running.output(), "the outage is told", 20, running.output)
    running.kill_child("worker")
    running.kill_child("acceptor")
    running.stop()
    said = running.output()
    assert said.count(INTAKE) > len(BAD), "requests are logged"
    assert "did not recognize object type: …" in said
    assert MARK.lower() not in said.lower()
    assert "stack_trace" not in said and "Traceback" not in said


@pytest.mark.parametrize("form", ["json", "human"])
def test_no_client_writes_a_line_of_its_own(daemon: MakeDaemon, form: str) -> None:
    running = daemon({"output.local.enabled": True, "tidegate.logging.format": form}).start()
    hostile = "x\u009b31m\u2028\u202e\u0085 http.response.status_code=200"
    service = {"name": "a\r\n\u001b[31m<3>forged", "agent": {"name": "\u001b[2J", "version": "\u009b"}}
    body = lines({"metadata": {"service": service}}, {"\u001b[31m\u009b\n": 1})
    for target in (INTAKE, f"{INTAKE}%0d%0a%1b?verbose", f"{INTAKE}?{hostile}"):
        head = f"POST {target} HTTP/1.1\r\nHost: x\r\nUser-Agent: {hostile}\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", running.port), 5) as client:
            client.sendall(head.encode() + body)
            client.recv(65536)
    running.stop()
    said = running.output_file.read_bytes().decode().split("\n")
    assert said.pop() == ""
    assert any("user_agent.original" in line for line in said)
    for line in said:
        assert printable(line) == line
        if form == "json":
            assert json.loads(line)["service.name"] == "tidegate"
        else:
            assert re.match(r"\d\d:\d\d:\d\d (info|warning|error) +(supervisor|acceptor-\d|worker-\d): ", line), line


def test_under_journald_each_line_has_its_priority(daemon: MakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    running = daemon({"output.local.enabled": True})
    running.output_file.touch()
    status = running.output_file.stat()
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    running.start()
    running.request("POST", INTAKE, b"nonsense")
    running.kill_child("worker")
    running.stop()
    numbers = {"debug": "7", "info": "6", "warning": "4", "error": "3"}
    levels = set()
    for line in running.output().splitlines():
        assert re.match(r"<[0-7]>\{", line), line
        level = json.loads(line[3:])["log.level"]
        assert line[1] == numbers[level]
        levels.add(level)
    assert levels >= {"info", "error"}


def test_to_files(daemon: MakeDaemon, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    settings = {
        "output.local.enabled": True,
        "logging.to_files": True,
        "logging.files": {"path": str(folder), "name": "tg"},
    }
    running = daemon(settings).start()
    running.request("POST", INTAKE, b"nonsense")
    running.kill_child("worker")
    wait_until(lambda: "worker 1 was ended by signal 9" in running.output(), "errors are told here, too", 10)
    running.stop()
    assert len([line for line in running.output().splitlines() if "logs go to files" in line]) == 1
    assert [one["message"] for one in running.records() if one["log.level"] == "info"] == [
        f"from here on logs go to files: {folder}/tg-supervisor.ndjson, and one such file for each other process"
    ]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = {path.name: path for path in folder.iterdir()}
    assert set(files) == {"tg-supervisor.ndjson", "tg-acceptor-1.ndjson", "tg-worker-1.ndjson"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert '"data validation error"' in files["tg-acceptor-1.ndjson"].read_text()
    assert "was ended by signal 9" in files["tg-supervisor.ndjson"].read_text()
    running.start()
    running.stop()
    assert {f"{name}.1" for name in files} <= {path.name for path in folder.iterdir()}, "a start begins new ones"


def test_files_that_cannot_be_written_stop_nothing(daemon: MakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    running = daemon(
        {"output.local.enabled": True, "logging.to_files": True, "logging.files.path": str(tmp_path / "taken" / "logs")}
    ).start()
    assert running.request("POST", INTAKE, b"nonsense").status == 400
    running.stop()
    warnings = [one["message"] for one in running.records() if one["log.level"] == "warning"]
    assert (
        len([text for text in warnings if "tidegate-acceptor-1.ndjson cannot be written: Not a directory" in text]) == 1
    )
    assert len(warnings) == len(set(warnings))
    assert "data validation error" in running.output(), "what the file does not take is on standard error"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_standard_error_on_a_full_disk_stops_nothing(daemon: MakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    running = daemon({"output.local.enabled": True})
    running.output_file.unlink(missing_ok=True)
    running.output_file.symlink_to("/dev/full")
    monkeypatch.setattr(running, "output", lambda: "")
    running.start()
    assert running.request("POST", INTAKE, b"nonsense").status == 400
    running.stop()
