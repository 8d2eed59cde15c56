"""What `tidegate check --connect` asks Elasticsearch, and what the answers mean. It stores nothing there.

The questions need no more than the role that runs Tidegate: the cluster privilege `monitor` shows index templates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Literal, NamedTuple

import msgspec
from tidegate.cli.setup_cluster import Cluster, SetupFailed, refusal
from tidegate.daemon import __version__
from tidegate.daemon.settings.parts import ElasticsearchPart
from tidegate.workers.setup.existing import TEMPLATES_PATH, found_templates, in_force
from tidegate.workers.setup.plan import missing
from tidegate.workers.setup.roles import has_privileges, lacking
from tidegate.workers.setup.streams import EVENT_PATTERNS, STREAMS
from tidegate.workers.setup.templates import Request
from tidegate.workers.sinks.cluster import ClusterSink
from tidegate.workers.sinks.contract import TryAgain

_SECURITY_OFF = (400, 404, 405, 500)
"""How versions and distributions answer questions about privileges where security is off."""
_SET_UP = "`tidegate setup` installs what is missing"
_MOST_NAMED = 4
_READING = Request(
    "POST",
    "/_security/user/_has_privileges",
    {"cluster": [], "index": [{"names": list(EVENT_PATTERNS), "privileges": ["read"]}]},
)


class Remark(NamedTuple):
    """One thing that was found out."""

    mark: Literal["good", "note", "finding"]
    """Somebody has to do something about a finding."""
    text: str

    @property
    def is_finding(self) -> bool:
        return self.mark == "finding"


def examine(part: ElasticsearchPart, namespace: str) -> Iterator[Remark]:
    """All remarks; those about the cluster as a whole are asked of the hosts that answer."""
    reached = []
    for host in part.hosts:
        remark = _reach(msgspec.structs.replace(part, hosts=[host]), host)
        yield remark
        if not remark.is_finding:
            reached.append(host)
    if not reached:
        return
    try:
        with closing(Cluster(msgspec.structs.replace(part, hosts=reached))) as cluster:
            yield privileges(*cluster.ask(has_privileges()))
            yield from reading(*cluster.ask(_READING))
            yield from templates(*cluster.ask(Request("GET", TEMPLATES_PATH)), namespace)
    except SetupFailed as problem:
        yield Remark("finding", str(problem))


def _reach(part: ElasticsearchPart, host: str) -> Remark:
    try:
        with closing(ClusterSink(part, __version__)) as sink:
            sink.ready()
    except TryAgain as problem:
        return Remark("finding", problem.cause if host in problem.cause else f"{host}: {problem.cause}")
    except (OSError, ValueError) as problem:
        return Remark("finding", f"output.elasticsearch: {problem}")
    return Remark("good", f"Elasticsearch at {host} can be reached and takes the credentials")


def privileges(status: int, answer: Any) -> Remark:
    """Whether the credentials allow what Tidegate does, by the answer to `has_privileges`."""
    if status in _SECURITY_OFF:
        return Remark("note", "security is off in this cluster: everybody may do everything")
    if status != 200 or not isinstance(answer, dict) or "has_all_requested" not in answer:
        return Remark("finding", f"Elasticsearch does not say what these credentials may do: {refusal(status, answer)}")
    if denied := lacking(answer):
        role = "`tidegate setup --print-role` prints the role that is needed"
        return Remark("finding", f"these credentials lack {', '.join(denied)}: {role}")
    return Remark("good", "these credentials may do all that Tidegate does")


def reading(status: int, answer: Any) -> Iterator[Remark]:
    """That the credentials may read events, where they may."""
    index = answer.get("index") if status == 200 and isinstance(answer, dict) else None
    if any(granted.get("read") for granted in (index or {}).values()):
        yield Remark(
            "note", "these credentials may also read events, which Tidegate does not need: a smaller role is safer"
        )


def templates(status: int, answer: Any, namespace: str) -> Iterator[Remark]:
    """Whether each kind of data stream has a template made for it, by the answer to `TEMPLATES_PATH`."""
    if status == 403:
        text = "these credentials may not look at index templates; if one is missing, the log of `tidegate run` says so"
        yield Remark("note", text)
        return
    if status != 200:
        yield Remark("finding", f"Elasticsearch does not show its index templates: {refusal(status, answer)}")
        return
    found = found_templates(answer)
    absent = missing(found, namespace)
    if absent:
        waiting = "their events are accepted and wait in the spool"
        yield Remark("finding", f"no index template makes data streams for {_some(absent)}: {waiting}. {_SET_UP}")
    general = {
        stream.pattern: one.name
        for stream in STREAMS
        if stream.pattern not in absent
        and (one := in_force(found, stream.example(namespace))) is not None
        and not any("apm" in pattern for pattern in one.body.get("index_patterns") or ())
    }
    if general:
        names = ", ".join(sorted(set(general.values())))
        lack = "Kibana's APM pages will not work with them"
        yield Remark(
            "finding", f"only a general template ({names}) is there for {_some(list(general))}: {lack}. {_SET_UP}"
        )
    if not absent and not general:
        yield Remark("good", "index templates are there for all data streams")


def _some(patterns: list[str]) -> str:
    """Patterns of data streams, in a line that can be read."""
    if len(patterns) == len(STREAMS):
        return "any of APM's data streams"
    more = f" and {len(patterns) - _MOST_NAMED} more" if len(patterns) > _MOST_NAMED else ""
    return ", ".join(patterns[:_MOST_NAMED]) + more
