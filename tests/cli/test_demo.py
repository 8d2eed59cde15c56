"""The demo: a new trace each time, and clear words when it cannot be sent."""

from __future__ import annotations

import argparse
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tidegate.cli import demo
from tidegate.cli.demo import SendFailed, arrives, fresh, read_recording, send
from tidegate.cli.main import main
from tidegate.daemon.settings.parts import LocalPart
from tidegate.workers.sinks.local import LocalSink
from tidegate.workers.sinks.local_reader import LocalReader
from tidegate.workers.spool.block import make_block

NOW = 1_735_725_600_000_000


def ids() -> Callable[[int], str]:
    numbers = count(1)
    return lambda size: f"{next(numbers):0{2 * size}x}"


def events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    return [next(iter(json.loads(line).items())) for line in body.splitlines()]


def test_fresh_ids_and_times() -> None:
    recording = fresh(read_recording(), NOW, ids())
    assert recording.holds == {"metadata": 1, "transaction": 1, "span": 4, "error": 1, "log": 2}
    before, after = events(read_recording()), events(recording.body)
    assert [kind for kind, _ in after] == [kind for kind, _ in before]
    (transaction,) = [event for kind, event in after if kind == "transaction"]
    assert transaction["timestamp"] + round(transaction["duration"] * 1000) == NOW
    assert transaction["trace_id"] == recording.trace_id
    assert len(recording.trace_id) == 32
    spans = {event["id"]: event for kind, event in after if kind == "span"}
    assert {span["parent_id"] for span in spans.values()} == {transaction["id"]}
    for kind, event in after:
        if kind != "metadata":
            assert event.get("trace_id", event.get("trace.id")) == recording.trace_id
        if kind == "error":
            assert event["parent_id"] in spans
        if kind == "span":
            assert 0 <= event["timestamp"] - transaction["timestamp"] <= transaction["duration"] * 1000
        if kind == "log":
            assert event["@timestamp"].startswith("2025-01-01T09:59:59.") and event["@timestamp"].endswith("Z")


def test_two_runs_share_no_id() -> None:
    numbers = ids()
    first, second = (fresh(read_recording(), NOW, numbers).body for _ in range(2))

    def used(body: bytes) -> set[str]:
        return {event[key] for kind, event in events(body) if kind != "metadata" for key in demo._IDS & event.keys()}

    assert len(used(first)) == 7
    assert not used(first) & used(second)


def test_nothing_private_in_the_recording() -> None:
    text = read_recording().decode()
    for word in ("password", "127.0.0.1", "Authorization", "cookie", "/usr/", "/home/", "/root"):
        assert word not in text


Answer = tuple[int, bytes]


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]], list[Answer]]]:
    seen: list[dict[str, Any]] = []
    answers: list[Answer] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append({"path": self.path, "headers": dict(self.headers), "body": body})
            status, answer = answers.pop(0)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", seen, answers
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_sent_as_an_agent_would(server: tuple[str, list[dict[str, Any]], list[Answer]]) -> None:
    url, seen, answers = server
    answers += [(202, b""), (202, b""), (202, b"")]
    send(urlsplit(url), b"{}\n", {})
    send(urlsplit(url + "/apm/"), b"{}\n", {"ELASTIC_APM_SECRET_TOKEN": "s"})
    send(urlsplit(url), b"{}\n", {"ELASTIC_APM_SECRET_TOKEN": "s", "ELASTIC_APM_API_KEY": "k"})
    assert [one["path"] for one in seen] == ["/intake/v2/events", "/apm/intake/v2/events", "/intake/v2/events"]
    assert [one["headers"].get("Authorization") for one in seen] == [None, "Bearer s", "ApiKey k"]
    assert seen[0]["headers"]["Content-Type"] == "application/x-ndjson"
    assert seen[0]["body"] == b"{}\n"


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (401, b"{}", "wants a credential (401): set ELASTIC_APM_SECRET_TOKEN"),
        (403, b"", "wants a credential (403)"),
        (404, b"404 page not found", "is it Tidegate or an APM Server?"),
        (503, b'{"accepted":0,"errors":[{"message":"queue is full"}]}', "cannot take events now (503): queue is full"),
        (400, b'{"error":"bad \\u001b[31m thing"}', "refused the request (400): bad \\x1b[31m thing"),
        (500, b"[1]", "refused the request (500): no reason given"),
        (500, b"\xff\x1b", "refused the request (500): \ufffd\\x1b"),
    ],
)
def test_refused(
    server: tuple[str, list[dict[str, Any]], list[Answer]], status: int, answer: bytes, words: str
) -> None:
    url, _, answers = server
    answers.append((status, answer))
    with pytest.raises(SendFailed) as caught:
        send(urlsplit(url), b"{}\n", {})
    assert words in str(caught.value)
    assert url in str(caught.value)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert main(["demo", "--url", url]) == 1
    assert capsys.readouterr().err == f"nothing listens at {url}: start `tidegate run` first, in another terminal\n"


def test_a_password_in_the_url_is_not_shown() -> None:
    with pytest.raises(SendFailed) as caught:
        send(urlsplit(f"http://me:secret@127.0.0.1:{free_port()}"), b"", {})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["localhost:8200", "ftp://x", "http://", "http://x:99999999", "http://[::1"])
def test_no_address(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--url", url]) == 2
    assert "is no address such as http://127.0.0.1:8200" in capsys.readouterr().err


def test_waits_until_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    sink = LocalSink(LocalPart(file=str(file), max_bytes=64 << 20, max_age=1e9))
    action = b'{"create":{"_index":"traces-apm-default","_id":"a"}}\n'
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            sink.write([make_block([action, b'{"trace":{"id":"abc"}}\n'], 1, 5)])

    assert arrives(lambda: LocalReader(file), "abc", pause)
    assert len(pauses) == 3
    assert not arrives(lambda: LocalReader(file), "other", pauses.append)
    assert sum(pauses[3:]) == pytest.approx(5)
    sink.close()


def test_how_to_name_the_same_store() -> None:
    arguments = argparse.Namespace(data=Path("/a b"), config=Path("t.yml"), overrides=[("path.data", "x")])
    assert demo._same_store(arguments) == " --data '/a b' -c t.yml -E path.data=x"


def test_told_where_to_look(
    server: tuple[str, list[dict[str, Any]], list[Answer]], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url, seen, answers = server
    answers.append((202, b""))
    assert main(["demo", "--url", url, "--data", str(tmp_path)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"sent one trace to {url}: 1 transaction, 4 spans, 1 error, 2 logs"
    trace_id = out[1].removeprefix("trace ")
    assert trace_id.encode() in seen[0]["body"]
    assert out[2].startswith("look for it in Kibana") and trace_id in out[2]
