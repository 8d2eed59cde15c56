"""The result of a run: what goes into the JSON file, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from tidegate.loadtest.histogram import Histogram
from tidegate.loadtest.tally import Tally

FORMAT = 1


class Moment(msgspec.Struct):
    """One second of a group."""

    at: int
    """Seconds after the start."""
    answers: int
    accepted: int
    """Events."""
    p50: int
    """µs."""
    p99: int
    max: int


class GroupResult(msgspec.Struct):
    """What became of the clients of one kind. Latencies in µs, from when a request was due to its whole answer."""

    name: str
    requests: int
    events: int
    accepted: int
    unsent: int
    bytes: int
    statuses: dict[str, int]
    reasons: dict[str, int]
    latency: list[tuple[int, int]]
    """Upper end of a bucket, requests in it."""
    mean: float
    seconds: list[Moment]

    @property
    def histogram(self) -> Histogram:
        """Of `latency`."""
        return Histogram.of(self.latency)


class ProcessResult(msgspec.Struct):
    """One process of the server, if it was seen."""

    name: str
    pid: int
    cpu: float
    """Seconds, during the run."""
    most_resident: int
    """Bytes."""
    cpu_share: list[float]
    """Of one core, second by second."""
    resident: list[int]


class Result(msgspec.Struct):
    """A whole run."""

    format: int
    version: str
    """Of Tidegate's load generator."""
    started: str
    """RFC 3339."""
    target: str
    profile: str
    rate: float | None
    """Events a second that were to be sent; None: as fast as they were answered."""
    duration: float
    """Seconds."""
    connections: int
    machine: str
    groups: list[GroupResult]
    processes: list[ProcessResult]

    @property
    def accepted(self) -> int:
        """Events, of all groups."""
        return sum(group.accepted for group in self.groups)

    def cpu_per_event(self) -> dict[str, float]:
        """µs of CPU per accepted event, by kind of process; empty where no process was seen."""
        spent: dict[str, float] = {}
        for process in self.processes:
            spent[process.name] = spent.get(process.name, 0.0) + process.cpu
        return {name: 1e6 * cpu / self.accepted for name, cpu in spent.items()} if self.accepted else {}


class ResultError(Exception):
    """The file is no result; the message says why."""


_decode = msgspec.json.Decoder(Result).decode


def read_result(content: bytes, name: str) -> Result:
    """Back from JSON. Raises ResultError."""
    try:
        result = _decode(content)
    except msgspec.MsgspecError as problem:
        raise ResultError(f"{name} is no result of tidegate-load: {problem}") from problem
    if result.format != FORMAT:
        raise ResultError(f"{name} has format {result.format}, this version reads {FORMAT}")
    return result


def write_result(result: Result) -> bytes:
    """JSON."""
    return msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n"


def group_result(tally: Tally) -> GroupResult:
    """What a tally holds at the end."""
    return GroupResult(
        tally.name,
        tally.requests,
        tally.events,
        tally.accepted,
        tally.unsent,
        tally.bytes,
        _sorted(tally.statuses),
        _sorted(tally.reasons),
        list(tally.latency.pairs()),
        round(tally.latency.mean, 1),
        [
            Moment(
                at,
                second.answers,
                second.accepted,
                second.latency.percentile(50),
                second.latency.percentile(99),
                second.latency.largest,
            )
            for at, second in sorted(tally.seconds.items())
        ],
    )


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
