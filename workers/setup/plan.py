"""What `tidegate setup` would do to a cluster, decided before anything is done. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from tidegate.workers.setup.existing import Found, in_force, same
from tidegate.workers.setup.retention import lifecycle
from tidegate.workers.setup.streams import EVENT_PATTERNS, STREAMS, Stream
from tidegate.workers.setup.templates import PRIORITY, VERSION, Request, put_template

DATA_STREAMS_PATH = (
    f"/_data_stream/{','.join(EVENT_PATTERNS)}"
    "?filter_path=data_streams.name,data_streams.template,data_streams.lifecycle"
)


class Deed(Enum):
    """What becomes of one template."""

    CREATE = "create"
    UPDATE = "update"
    KEEP = "keep"
    """Ours is there, as it should be."""
    LEAVE = "leave"
    """The cluster has one of its own."""
    REMOVE = "remove"
    BLOCKED = "blocked"
    """Something is in the way that only the cluster's owner can remove."""


class Step(NamedTuple):
    """One template, and what is to be done."""

    deed: Deed
    template: str
    pattern: str
    request: Request | None = None
    because: str = ""
    """For a person, where the deed does not say it all."""


def plan_setup(found: Sequence[Found], wanted: Mapping[Stream, dict[str, Any]], namespace: str) -> list[Step]:
    """A step for each wanted template."""
    return [_step(stream, body, found, namespace) for stream, body in wanted.items()]


def _step(stream: Stream, body: dict[str, Any], found: Sequence[Found], namespace: str) -> Step:
    def step(deed: Deed, because: str = "", request: Request | None = None) -> Step:
        return Step(deed, stream.template, stream.pattern, request, because)

    ours = next((one for one in found if one.name == stream.template), None)
    if ours is not None and not ours.is_ours:
        return step(Deed.BLOCKED, f"a template {ours.name} is there that is not Tidegate's: rename or delete it")
    index = stream.example(namespace)
    other = in_force((one for one in found if not one.is_ours), index)
    if other is not None and other.priority >= PRIORITY:
        named = f"{other.name} (priority {other.priority})"
        if not other.makes_data_streams:
            return step(Deed.BLOCKED, f"{named} makes ordinary indices of them, which Tidegate does not write to")
        if other.priority == PRIORITY:
            return step(Deed.BLOCKED, f"{named} has the priority of Tidegate's own: change one of them")
        stays = "; Tidegate's template is no longer in use (--remove takes it away)" if ours else ""
        return step(Deed.LEAVE, f"the cluster's own: {named}{stays}")
    if ours is None:
        return step(Deed.CREATE, request=put_template(stream, body))
    if ours.version > VERSION:
        return step(Deed.KEEP, f"it was made by a newer Tidegate (version {ours.version}, here {VERSION})")
    if same(body, ours.body):
        return step(Deed.KEEP)
    return step(Deed.UPDATE, request=put_template(stream, body))


def plan_removal(found: Sequence[Found]) -> list[Step]:
    """A step for each template that is ours, those of other versions too."""
    return [
        Step(
            Deed.REMOVE,
            one.name,
            ", ".join(one.body["index_patterns"]),
            Request("DELETE", f"/_index_template/{one.name}"),
        )
        for one in sorted(found, key=lambda one: one.name)
        if one.is_ours
    ]


class DataStream(NamedTuple):
    """A data stream that is there already, and the period that it should have."""

    name: str
    period: str
    request: Request


def plan_retention(answer: Any, periods: Mapping[str, str]) -> list[DataStream]:
    """Data streams of our templates that keep documents for another time than was asked for.

    A template says so to new data streams only. `answer` is that to `DATA_STREAMS_PATH`; `periods` are those that were asked for.
    """
    groups = {stream.template: stream.group for stream in STREAMS}
    entries = answer.get("data_streams") if isinstance(answer, Mapping) else None
    planned = []
    for entry in entries or ():
        group = groups.get(entry.get("template", ""))
        if group is None or group not in periods:
            continue
        wanted = lifecycle(periods[group])
        if (entry.get("lifecycle") or {}).get("data_retention") != wanted.get("data_retention"):
            request = Request("PUT", f"/_data_stream/{entry['name']}/_lifecycle", dict(wanted))
            planned.append(DataStream(entry["name"], periods[group], request))
    return planned


def missing(found: Sequence[Found], namespace: str) -> list[str]:
    """Patterns of the data streams that no template makes: their documents would be refused, and wait in the spool."""
    return [
        stream.pattern
        for stream in STREAMS
        if (one := in_force(found, stream.example(namespace))) is None or not one.makes_data_streams
    ]


def completes_nothing(found: Sequence[Found], namespace: str) -> bool:
    """Whether traces come under a template of ours: then nothing in the cluster completes documents."""
    one = in_force(found, STREAMS[0].example(namespace))
    return one is not None and one.is_ours
