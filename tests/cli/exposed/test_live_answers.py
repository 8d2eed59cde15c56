"""What a running server's answers tell, compared with the table of the settings."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import pytest
from settings_loading import Loading
from tidegate.cli.exposed.answers import compare, proxy_in, version_in
from tidegate.cli.exposed.calls import FOREIGN_ORIGIN, NEIGHBOURS, Answered, Call, calls
from tidegate.cli.exposed.instance_rules import Process, given_in_clear, in_words, processes
from tidegate.cli.exposed.rows import rows
from tidegate.cli.exposed.running_server import see
from tidegate.cli.exposed.subject import Machine, Subject
from tidegate.cli.exposed.walk import Server

PUBLIC = (
    "output.local.enabled: true\napm-server.auth.secret_token: a-token-in-the-file\n"
    "apm-server.rum: {enabled: true, allow_origins: [https://shop.example]}\n"
    "apm-server.auth.anonymous.allow_service: [shop]\ntidegate.profile: public\n"
)
OPEN = "output.local.enabled: true\n"
INTAKE, BROWSERS = "/intake/v2/events", "/intake/v2/rum/events"
VERSION = b'{"version": "9.5.2"}'


@pytest.mark.parametrize(
    ("text", "call", "status", "body", "expected"),
    [
        (PUBLIC, Call("GET", "/"), 200, b"", None),
        (PUBLIC, Call("GET", "/"), 200, VERSION, "more-than-the-settings-say"),
        (OPEN, Call("GET", "/"), 200, VERSION, None),
        (PUBLIC, Call("POST", INTAKE), 401, b"", None),
        (PUBLIC, Call("POST", INTAKE), 202, b"", "more-than-the-settings-say"),
        (PUBLIC, Call("POST", INTAKE), 400, b"", "more-than-the-settings-say"),
        (PUBLIC, Call("PUT", INTAKE), 401, b"", None),
        (PUBLIC, Call("POST", INTAKE, credential="wrong"), 401, b"", None),
        (PUBLIC, Call("POST", INTAKE, credential="wrong"), 429, b"", None),
        (PUBLIC, Call("POST", INTAKE, credential="wrong"), 202, b"", "more-than-the-settings-say"),
        (OPEN, Call("POST", INTAKE, credential="wrong"), 202, b"", None),
        (OPEN, Call("POST", INTAKE), 202, b"", None),
        (OPEN, Call("POST", INTAKE), 401, b"", "less-than-the-settings-say"),
        (PUBLIC, Call("POST", BROWSERS), 403, b"", None),
        (PUBLIC, Call("POST", BROWSERS), 202, b"", None),
        (PUBLIC, Call("POST", BROWSERS, origin=FOREIGN_ORIGIN), 403, b"", None),
        (PUBLIC, Call("POST", BROWSERS, origin=FOREIGN_ORIGIN), 202, b"", "foreign-origin-let-in"),
        (OPEN, Call("POST", BROWSERS), 403, b"", None),
        (OPEN, Call("POST", BROWSERS), 202, b"", "more-than-the-settings-say"),
        (PUBLIC, Call("OPTIONS", BROWSERS), 200, b"", None),
        (PUBLIC, Call("GET", "/debug/vars"), 404, b"", None),
        (PUBLIC, Call("GET", "/_search"), 200, b"", "unknown-path-answers"),
        (PUBLIC, Call("GET", "/metrics"), 401, b"", None),
        (PUBLIC, Call("TRACE", "/"), 405, b"", None),
        (PUBLIC, Call("TRACE", "/"), 200, b"", "trace-answers"),
    ],
)
def test_answers(tmp_path: Path, text: str, call: Call, status: int, body: bytes, expected: str | None) -> None:
    part = Loading(tmp_path)(text).acceptor_part()
    protected = bool(part.auth.tokens)
    found = list(compare(rows(part), [Answered(call, status, {}, body)], any_origin=False, protected=protected))
    assert [one.id for one in found] == ([] if expected is None else [expected])


def test_every_route_and_its_neighbours_are_called(tmp_path: Path) -> None:
    part = Loading(tmp_path)(PUBLIC).acceptor_part()
    asked = list(calls(rows(part), "wrong", browsers=True))
    assert {one.path for one in asked} == {row.path for row in rows(part)} | set(NEIGHBOURS)
    assert len(asked) < 200
    assert sum(bool(one.credential) for one in asked) < 30, "no more wrong credentials than an address may try at once"


def test_words() -> None:
    assert version_in(VERSION) == "9.5.2"
    assert version_in(b"no JSON") == version_in(b"[]") == version_in(b"") == ""
    assert proxy_in([Answered(Call("GET", "/"), 200, {"server": "nginx"}, b"")]) == "server: nginx"
    assert proxy_in([]) == ""
    with pytest.raises(ValueError, match="wants a URL"):
        Server("somewhere")


class Other(BaseHTTPRequestHandler):
    """A server that is none of ours: it answers everything but TRACE, and shows itself."""

    def address_string(self) -> str:
        return ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(VERSION)))
        self.end_headers()
        self.wfile.write(VERSION)

    do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_TRACE(self) -> None:
        self.close_connection = True

    def log_message(self, *_: object) -> None: ...


def test_another_server_behind_a_unix_socket(tmp_path: Path) -> None:
    path = f"{tmp_path}/s"
    settings = Loading(tmp_path)(f"{PUBLIC}apm-server.host: unix:{path}\npath.data: {tmp_path}/data\n")
    part = settings.acceptor_part()
    subject, table = Subject(settings, part, Machine()), list(rows(part))
    assert [one.id for one in see(Server(f"unix:{path}"), subject, table).findings] == ["server-not-checked"]
    with UnixStreamServer(path, Other) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        seen = see(Server(f"unix:{path}"), subject, table)
        server.shutdown()
        thread.join()
    assert {one.id for one in seen.findings} == {
        "more-than-the-settings-say",
        "foreign-origin-let-in",
        "unknown-path-answers",
    }
    assert dict(seen.lines)["version"] == "9.5.2, shown to strangers"
    assert dict(seen.lines)["proxy"].startswith("server: BaseHTTP")


SUPERVISOR = Process(10, ("tidegate", "run"), 990, False, False, True)
ACCEPTOR = Process(11, ("python", "-m", "tidegate.daemon.acceptor.main"), 990, True, True, True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"no_new_privileges": False}, ["acceptor-not-shut-off"]),
        ({"filtered": False}, ["acceptor-not-shut-off"]),
        ({"hidden": False}, ["process-not-hidden"]),
        ({"hidden": None}, []),
    ],
)
def test_acceptors(changes: dict[str, bool | None], expected: list[str]) -> None:
    found = [SUPERVISOR, ACCEPTOR._replace(**changes)]
    assert [one.id for one in processes(found)] == expected
    shut_off = "0 of 1" if "acceptor-not-shut-off" in expected else "1 of 1"
    assert in_words(found).startswith(shut_off)


def test_the_supervisor() -> None:
    root = SUPERVISOR._replace(
        user=0, hidden=None, command=("tidegate", "run", "-E", "apm-server.auth.secret_token=abc")
    )
    assert [one.id for one in processes([root, ACCEPTOR])] == ["runs-as-root", "secret-on-command-line"]
    assert "not to be seen" in in_words([SUPERVISOR])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("-E", "output.elasticsearch.password=p"), ["output.elasticsearch.password"]),
        (("-Eoutput.elasticsearch.password=p",), ["output.elasticsearch.password"]),
        (("-E", "output.elasticsearch.password=${PASSWORD}"), []),
        (("-E", "output.elasticsearch.password="), []),
        (("-E", "apm-server.host=0.0.0.0"), []),
        (("-E",), []),
        ((), []),
    ],
)
def test_secrets_of_a_running_command_line(words: tuple[str, ...], expected: list[str]) -> None:
    assert given_in_clear(("tidegate", "run", *words)) == expected
