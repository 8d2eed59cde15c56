"""A page of another origin in a real Chromium, the real RUM agent: its page load, click, fetch and error are found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.browsers import Site, chromium, serve_site, stored, visit
from e2e.conftest import MakeDaemon
from e2e.daemons import Daemon
from e2e.processes import wait_until

FOUND_S = 20.0
EXTRA = "/shop/notes"

pytestmark = [pytest.mark.agents, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    chromium()
    with serve_site() as served:
        yield served


PUBLIC = {
    "tidegate.profile": "public",
    "apm-server.auth.secret_token": "for-services-only",
    "apm-server.auth.anonymous.allow_service": ["shop"],
}


def start(make: MakeDaemon, site: Site, settings: dict[str, object]) -> Daemon:
    return make(
        {
            **settings,
            "apm-server.rum.enabled": True,
            "apm-server.rum.allow_origins": [f"http://127.0.0.1:{site.port}"],
            "tidegate.rum.extra_paths": [EXTRA],
            "output.local.enabled": True,
        }
    ).start()


def address(site: Site, daemon: Daemon, host: str = "127.0.0.1", **settings: Any) -> str:
    """Of a page whose agent sends to the daemon with these settings."""
    path = f"/shop-{len(site.pages)}"
    site.pages[path] = json.dumps(
        {
            "serviceName": "shop",
            "serviceVersion": "7",
            "serverUrl": f"http://127.0.0.1:{daemon.port}",
            "breakdownMetrics": True,
            "distributedTracing": False,
            **settings,
        }
    )
    return f"http://{host}:{site.port}{path}"


@pytest.mark.parametrize(
    ("version", "path", "further", "settings"),
    [
        (2, "/intake/v2/rum/events", {}, {}),
        (3, "/intake/v3/rum/events", {}, PUBLIC),
        (3, EXTRA, {"serverUrlPrefix": EXTRA}, {}),
    ],
    ids=["v2", "v3-public", "extra-path"],
)
def test_what_a_page_sends_is_found(
    daemon: MakeDaemon,
    site: Site,
    tmp_path: Path,
    version: int,
    path: str,
    further: dict[str, Any],
    settings: dict[str, object],
) -> None:
    running = start(daemon, site, settings)
    found: list[tuple[str, dict[str, Any]]] = []

    def complete() -> bool:
        found[:] = stored(running.data)
        return {"page-load", "user-interaction", "error"} <= {kind(document) for _, document in found}

    with visit(address(site, running, apiVersion=version, **further), path, tmp_path) as page:
        wait_until(complete, "page load, click and error are stored", FOUND_S, lambda: f"{page.trouble()}\n{found}")
    assert {json.dumps(one) for one in page.sent()} == {'{"status": 202}'}
    by_kind = {kind(document): (stream, document) for stream, document in found}

    stream, loaded = by_kind["page-load"]
    assert stream == "traces-apm.rum-default"
    assert loaded["agent"]["name"] == "rum-js"
    assert loaded["service"]["version"] == "7"
    assert loaded["client"]["ip"] == loaded["source"]["ip"] == "127.0.0.1"
    assert loaded["source"]["port"] > 0
    assert "Chrome" in loaded["user_agent"]["original"]
    assert loaded["transaction"]["marks"]["agent"]["domComplete"] > 0
    assert loaded["url"]["path"].startswith("/shop-")

    _, clicked = by_kind["user-interaction"]
    fetched = [
        document for _, document in found if kind(document) == "span" and document["span"]["name"] == "GET /stock.json"
    ]
    assert [span["transaction"]["id"] for span in fetched] == [clicked["transaction"]["id"]]

    stream, failed = by_kind["error"]
    assert stream == "logs-apm.error-default"
    exception = failed["error"]["exception"][0]
    assert exception["message"].endswith("RangeError: no tea left")
    thrown = next(frame for frame in exception["stacktrace"] if frame.get("function") == "sellOut")
    assert thrown["abs_path"].endswith("/static/node_modules/shop.js")
    assert thrown["line"]["number"] > 0
    assert failed["error"]["grouping_key"]
    if "transaction" not in failed or version == 3:
        assert thrown["library_frame"] is True, "its path says node_modules"
    assert running.complaints() == []
    running.stop()


def test_a_page_of_another_origin_is_kept_out_by_the_browser(daemon: MakeDaemon, site: Site, tmp_path: Path) -> None:
    running = start(daemon, site, {})
    with visit(address(site, running, host="localhost"), "/intake/v2/rum/events", tmp_path) as page:
        wait_until(lambda: bool(page.sent()), "the agent tries to send", FOUND_S, page.trouble)
    assert all("failed" in one for one in page.sent()), page.sent()
    assert stored(running.data) == []
    running.stop()


def kind(document: dict[str, Any]) -> str:
    """The type of a transaction, else the kind of event."""
    event = document["processor"]["event"]
    return str(document["transaction"]["type"] if event == "transaction" else event)
