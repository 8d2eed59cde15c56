"""The route table, the limits, and both forms of the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from settings_loading import Loading
from tidegate.cli.exposed.finding import Finding, Severity
from tidegate.cli.exposed.limits import limits, of_route
from tidegate.cli.exposed.page import _SHORT, _STRANGERS, lines, total
from tidegate.cli.exposed.report import Report, document
from tidegate.cli.exposed.rows import Strangers, rows
from tidegate.cli.exposed.subject import Machine
from tidegate.cli.terminal import ASCII, UNICODE, Terminal
from tidegate.daemon.api.routes import ROUTES, Reads, Shows

LOCAL = "output.local.enabled: true\n"
TOKEN = "apm-server.auth.secret_token: a-token-in-the-file\n"
PAGES = "apm-server.rum: {enabled: true, allow_origins: [https://shop.example]}\n"
INTAKE, BROWSERS = "/intake/v2/events", "/intake/v3/rum/events"
CONFIG, BROWSER_CONFIG = "/config/v1/agents", "/config/v1/rum/agents"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"/": "served", INTAKE: "served", BROWSERS: "off", CONFIG: "served", BROWSER_CONFIG: "off"}),
        (PAGES, {"/": "served", INTAKE: "served", BROWSERS: "served", CONFIG: "served", BROWSER_CONFIG: "served"}),
        (TOKEN, {"/": "empty", INTAKE: "refused", BROWSERS: "off", CONFIG: "refused", BROWSER_CONFIG: "off"}),
        (
            TOKEN + PAGES,
            {"/": "empty", INTAKE: "limited", BROWSERS: "limited", CONFIG: "limited", BROWSER_CONFIG: "limited"},
        ),
        (
            TOKEN + PAGES + "tidegate.auth.anonymous.rum_only: true\n",
            {"/": "empty", INTAKE: "refused", BROWSERS: "limited", CONFIG: "refused", BROWSER_CONFIG: "limited"},
        ),
        (
            TOKEN + PAGES + "apm-server.auth.anonymous.enabled: false\n",
            {"/": "empty", INTAKE: "refused", BROWSERS: "refused", CONFIG: "refused", BROWSER_CONFIG: "refused"},
        ),
    ],
)
def test_what_becomes_of_strangers(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    part = Loading(tmp_path)(text + LOCAL).acceptor_part()
    found = {row.path: row.strangers.value for row in rows(part)}
    assert {path: found[path] for path in expected} == expected
    assert set(found) >= {route.path for route in ROUTES}


def test_privileges_stand_there_where_keys_are_accepted(tmp_path: Path) -> None:
    part = Loading(tmp_path)(f"apm-server.auth.api_key.enabled: true\n{LOCAL}").acceptor_part()
    found = {row.path: row.api_key for row in rows(part)}
    assert (found["/"], found[INTAKE], found[CONFIG]) == ("any", "event:write", "config_agent:read")
    assert {row.api_key for row in rows(Loading(tmp_path)(LOCAL).acceptor_part())} == {None}


def test_extra_paths_stand_in_the_table(tmp_path: Path) -> None:
    part = Loading(tmp_path)(f"{PAGES}tidegate.rum.extra_paths: [/notes]\n{LOCAL}").acceptor_part()
    assert "/notes" in {row.path for row in rows(part)}


def test_limits_belong_to_routes(tmp_path: Path) -> None:
    settings = Loading(tmp_path)(f"{TOKEN}{PAGES}apm-server.auth.anonymous.allow_service: [shop]\n{LOCAL}")
    found = list(limits(settings))
    by_name = {one.name: one.value for one in found}
    assert by_name["services without credentials"] == "shop"
    assert by_name["events without credentials"] == "300 a second and address, 900 at once"
    assert by_name["one event"] == "300KiB"
    assert "one event" in of_route(found, Reads.EVENTS)
    assert "one event" not in of_route(found, Reads.QUESTION)
    assert "connections" in of_route(found, Reads.NOTHING)
    own = {one.reads for one in found}
    assert own >= set(Reads) - {Reads.NOTHING}, "what a route reads has limits of its own"


def report(tmp_path: Path, text: str = "", *findings: Finding) -> Report:
    settings = Loading(tmp_path)(text + LOCAL)
    part = settings.acceptor_part()
    return Report(
        settings, "everybody", Machine(), list(rows(part)), list(limits(settings)), list(findings), "the local store"
    )


FOUND = Finding("no-tls", Severity.HIGH, "it speaks plain HTTP " * 8, "apm-server.ssl.certificate", "a certificate")
NOTED = Finding("profile", Severity.NOTE, "the defaults of the original", "tidegate.profile", "public")


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("text", ["", TOKEN + PAGES + "apm-server.auth.api_key.enabled: true\n"])
def test_it_fits_the_terminal(tmp_path: Path, text: str, width: int) -> None:
    shown = list(lines(report(tmp_path, text, FOUND, NOTED), Terminal(width, False, UNICODE)))
    assert max(map(len, shown)) <= max(width, 50), "keys are not cut"
    assert shown[-1] == "findings: 1 high, 1 note"
    assert "high: no-tls" in shown


def test_colours_only_where_there_are_some(tmp_path: Path) -> None:
    plain = list(lines(report(tmp_path, "", FOUND), Terminal(80, False, ASCII)))
    coloured = list(lines(report(tmp_path, "", FOUND), Terminal(80, True, ASCII)))
    assert not any("\x1b" in line for line in plain)
    assert any("\x1b[31mhigh: no-tls" in line for line in coloured)
    assert all(line.isascii() for line in plain)


def test_the_legend_explains_every_answer() -> None:
    assert set(_SHORT) == set(Shows)
    assert set(_STRANGERS) == set(Strangers)


def test_no_findings() -> None:
    assert total([]) == "no findings"


def test_the_form_for_programs(tmp_path: Path) -> None:
    told: dict[str, Any] = json.loads(json.dumps(document(report(tmp_path, TOKEN, NOTED, FOUND))))
    assert list(told) == [
        "version", "settings", "reach", "summary", "routes", "limits", "store", "server", "worst", "findings",
    ]  # fmt: skip
    assert told["worst"] == "high"
    assert [one["id"] for one in told["findings"]] == ["no-tls", "profile"], "the worst first"
    assert set(told["findings"][0]) == {"id", "severity", "text", "key", "set"}
    assert set(told["routes"][0]) == {
        "path", "methods", "without_credentials", "api_key", "answers_with", "limits",
    }  # fmt: skip
    assert "a-token-in-the-file" not in json.dumps(told)
    assert told["summary"]["separation"] == "Landlock 7 and seccomp"
    assert told["summary"]["acceptors_hold"] == "secret tokens, requests under way; nothing that opens the store"
    assert told["summary"]["tls"] == "none: plain HTTP"
