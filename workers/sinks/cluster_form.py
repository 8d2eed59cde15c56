"""Which form of documents a cluster needs: raw where its apm-data module completes them, complete where nothing does. Pure.

Source: http-surface.md 8.5. The question is one that the cluster privilege `monitor` answers: the modules of each node.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

Form = Literal["raw", "complete"]

FORM_PATH = "/_nodes?filter_path=nodes.*.version,nodes.*.modules.name"
APM_DATA = frozenset({"x-pack-apm-data", "apm-data"})
BUILT_IN_SINCE = (8, 15)
"""From here on the default distribution has the module; before, an integration that this question does not show."""

_VERSION = re.compile(r"(\d+)\.(\d+)")


class _Module(msgspec.Struct):
    name: str = ""


class _Node(msgspec.Struct):
    version: str = ""
    modules: list[_Module] = msgspec.field(default_factory=list)


class _Nodes(msgspec.Struct):
    nodes: dict[str, _Node] = msgspec.field(default_factory=dict)


_decode = msgspec.json.Decoder(_Nodes).decode


def version_of(text: str) -> tuple[int, int] | None:
    """Major and minor number of a version such as `9.2.0-SNAPSHOT`."""
    found = _VERSION.match(text)
    return (int(found[1]), int(found[2])) if found else None


def form_of(status: int, body: bytes) -> Form | None:
    """The form that the answer to `FORM_PATH` speaks for; None where it is no evidence, for one or the other.

    "complete" only if each node lists modules, none has apm-data, and all are of a version that would have it.
    """
    if status != 200:
        return None
    try:
        nodes = _decode(body).nodes.values()
    except msgspec.MsgspecError:
        return None
    if any(module.name in APM_DATA for node in nodes for module in node.modules):
        return "raw"
    lacking = all(node.modules and (version_of(node.version) or (0, 0)) >= BUILT_IN_SINCE for node in nodes)
    return "complete" if nodes and lacking else None
