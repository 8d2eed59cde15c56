"""Rows of intake-to-documents.md 4.2, and the stream's enrichments of 5.1."""

from __future__ import annotations

from typing import Any

import pytest
from tidegate.daemon.wire.frames import RequestBase

LINE = {"log": {"message": "m"}}
EVERYTHING: dict[str, Any] = {
    "labels": {"team": "a", "cell.id": 4, "on": True, "none": None},
    "service": {
        "agent": {"activation_method": "am", "ephemeral_id": "e", "name": "go", "version": ""},
        "environment": "prod",
        "framework": {"name": "", "version": None},
        "id": "dropped",
        "language": {"name": "go", "version": "1"},
        "name": "shop",
        "node": {"configured_name": "nn"},
        "runtime": {"name": "gc", "version": "2"},
        "version": "3",
    },
    "cloud": {
        "account": {"id": "1", "name": "an"},
        "availability_zone": "z",
        "instance": {"id": "2", "name": "in"},
        "machine": {"type": "m"},
        "project": {"id": "3", "name": "pn"},
        "provider": "aws",
        "region": "r",
        "service": {"name": "ec2"},
    },
    "system": {
        "architecture": "arm64",
        "configured_hostname": "c",
        "container": {"id": "cid"},
        "detected_hostname": "d",
        "hostname": "x",
        "kubernetes": {"namespace": "ns", "node": {"name": "kn"}, "pod": {"name": "pn", "uid": "pu"}},
        "platform": "linux",
        "host_id": "hid",
    },
    "user": {"domain": "d", "id": 5, "email": "e", "username": "u"},
    "network": {"connection": {"type": "4g"}},
    "process": {"title": "t", "pid": -1, "ppid": 0, "argv": ["a", ""]},
}


def test_everything(made: Any) -> None:
    [document] = made(LINE, {"metadata": EVERYTHING}, RequestBase(host_ip="::1", namespace="ns1", observer_version="1"))
    for name in ("@timestamp", "message", "event", "data_stream"):
        document.pop(name)
    assert document == {
        "_index": "logs-apm.app.shop-ns1",
        "labels": {"team": "a", "on": "true"},
        "numeric_labels": {"cell_id": 4},
        "agent": {"activation_method": "am", "ephemeral_id": "e", "name": "go"},
        "service": {
            "environment": "prod",
            "framework": {},
            "language": {"name": "go", "version": "1"},
            "name": "shop",
            "node": {"name": "nn"},
            "runtime": {"name": "gc", "version": "2"},
            "version": "3",
        },
        "cloud": EVERYTHING["cloud"],
        "host": {
            "architecture": "arm64",
            "hostname": "kn",
            "name": "c",
            "id": "hid",
            "os": {"platform": "linux"},
            "ip": ["::1"],
        },
        "container": {"id": "cid"},
        "kubernetes": {"namespace": "ns", "node": {"name": "kn"}, "pod": {"name": "pn", "uid": "pu"}},
        "user": {"domain": "d", "id": "5", "email": "e", "name": "u"},
        "network": {"connection": {"type": "4g"}},
        "process": {"title": "t", "pid": 4294967295, "args": ["a", ""]},
        "observer": {"type": "apm-server", "version": "1"},
    }


HOSTS: list[tuple[dict[str, Any], str | None, str | None, str | None]] = [
    ({"configured_hostname": "c", "detected_hostname": "d", "hostname": "x"}, "c", "d", "c"),
    ({"configured_hostname": "c"}, "c", None, "c"),
    ({"detected_hostname": "d"}, "d", "d", "d"),
    ({"hostname": "x"}, "x", "x", "x"),
    ({"hostname": "x", "configured_hostname": "c"}, "c", None, "c"),
    ({"detected_hostname": "d", "kubernetes": {"node": {"name": "kn"}}}, "kn", "kn", "kn"),
    ({"detected_hostname": "d", "kubernetes": {"pod": {"name": "p"}}}, None, None, None),
    ({"detected_hostname": "d", "kubernetes": {"namespace": "n"}}, None, None, None),
    ({"container": {"id": "cid"}, "detected_hostname": "d"}, "d", "d", "cid"),
    ({"kubernetes": {"node": {"name": "kn"}}}, "kn", "kn", "kn"),
]
"""What is sent as `system`, host.name, host.hostname, service.node.name."""


def metadata(system: dict[str, Any], **service: Any) -> dict[str, Any]:
    return {"metadata": {"service": {"name": "s", "agent": {"name": "a", "version": "1"}, **service}, "system": system}}


@pytest.mark.parametrize(("system", "name", "hostname", "node"), HOSTS)
def test_host_and_node(
    system: dict[str, Any], name: str | None, hostname: str | None, node: str | None, made: Any, agrees: Any
) -> None:
    [document] = made(LINE, metadata(system))
    agrees(document, {"host/name": name, "host/hostname": hostname, "service/node/name": node})


def test_a_cleared_host_stays_as_an_empty_object(made: Any) -> None:
    [document] = made(LINE, metadata({"detected_hostname": "d", "kubernetes": {"pod": {"uid": "p"}}}))
    assert document["host"] == {}


@pytest.mark.parametrize(
    ("in_metadata", "in_event", "expected"),
    [(None, None, "dflt"), ("", None, "dflt"), ("prod", None, "prod"), ("prod", "", "dflt"), (None, "dev", "dev")],
)
def test_default_environment(in_metadata: str | None, in_event: str | None, expected: str, made: Any) -> None:
    line = {"log": {"message": "m", "service.environment": in_event}}
    [document] = made(line, metadata({}, environment=in_metadata), RequestBase(default_environment="dflt"))
    assert document["service"]["environment"] == expected


def test_an_event_that_empties_the_node_gets_it_from_the_container(made: Any) -> None:
    line = {"log": {"message": "m", "service.node.name": ""}}
    [document] = made(line, metadata({"container": {"id": "cid"}}, node={"configured_name": "nn"}))
    assert document["service"]["node"] == {"name": "cid"}
