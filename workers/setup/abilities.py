"""What the nodes of a cluster can do, as far as templates depend on it. Pure.

The default distribution can do all of it; distributions with fewer modules lack field types, old versions lack settings.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from tidegate.workers.sinks.cluster_form import APM_DATA, version_of

MODULES = {
    "scaled_float": "mapper-extras",
    "match_only_text": "mapper-extras",
    "constant_keyword": "constant-keyword",
    "histogram": "x-pack-analytics",
    "aggregate_metric_double": "x-pack-aggregate-metric",
}
"""Field type → the module that brings it. All other types that we use are the server's own."""
LIFECYCLE_SINCE = (8, 11)
IGNORE_BEYOND_LIMIT_SINCE = (8, 13)
IGNORE_MISSING_SINCE = (8, 7)
_CURRENT = (9, 0)
"""For a node that does not tell its version."""


class Abilities(NamedTuple):
    """What every node can do."""

    types: frozenset[str]
    """Field types beside the server's own."""
    lifecycle: bool
    """Data streams can delete by age (`lifecycle.data_retention`)."""
    ignore_beyond_limit: bool
    """Fields beyond the limit can be left out of the index, in place of refusing the document."""
    ignore_missing: bool
    """Templates may name component templates that are not there."""
    apm_data: bool
    """Elastic's APM module is there; whether it is switched on, its templates tell."""


ALL = Abilities(frozenset(MODULES), lifecycle=True, ignore_beyond_limit=True, ignore_missing=True, apm_data=True)
"""Of a current default distribution, and what is taken for granted where the question is not answered."""


class _Module(msgspec.Struct):
    name: str = ""


class _Node(msgspec.Struct):
    version: str = ""
    modules: list[_Module] = msgspec.field(default_factory=list)


class _Nodes(msgspec.Struct):
    nodes: dict[str, _Node] = msgspec.field(default_factory=dict)


def abilities_of(answer: object) -> Abilities:
    """Of the answer to `cluster_form.FORM_PATH`; `ALL` where it tells nothing."""
    try:
        nodes = msgspec.convert(answer, _Nodes).nodes.values()
    except msgspec.ValidationError:
        return ALL
    if not nodes or not all(node.modules for node in nodes):
        return ALL
    common = frozenset.intersection(*(frozenset(module.name for module in node.modules) for node in nodes))
    oldest = min(version_of(node.version) or _CURRENT for node in nodes)
    return Abilities(
        types=frozenset(name for name, module in MODULES.items() if module in common),
        lifecycle=oldest >= LIFECYCLE_SINCE,
        ignore_beyond_limit=oldest >= IGNORE_BEYOND_LIMIT_SINCE,
        ignore_missing=oldest >= IGNORE_MISSING_SINCE,
        apm_data=bool(APM_DATA & common),
    )
