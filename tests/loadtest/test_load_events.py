"""Every event that is made up is one that a server takes, and as many as the profile says."""

from __future__ import annotations

import gzip
import statistics

import pytest
from tidegate.loadtest.profiles import PROFILES, Group, Manner, make_bodies, shares
from tidegate.workers.decode.accept import accept_event
from tidegate.workers.decode.lines import read_event, read_metadata

NOW_US = 1_790_000_000_000_000
GROUPS = {
    f"{name}-{group.name}": group
    for name, profile in PROFILES.items()
    for group in profile.groups
    if group.manner is not Manner.HOSTILE
}


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_all_lines_are_taken_and_counted(group: Group) -> None:
    for body in make_bodies(group, 1, NOW_US)[:6]:
        assert gzip.decompress(body.packed) == b"".join(body.lines)
        read_metadata(body.lines[0].rstrip(b"\n"))
        events = 0
        for line in body.lines[1:]:
            event = read_event(line.rstrip(b"\n"))
            events += len(event) if isinstance(event, list) else 1
        assert events == body.events >= group.events


def test_backend_events_take_the_usual_path_and_have_the_usual_size() -> None:
    bodies = make_bodies(PROFILES["backend"].groups[0], 1, NOW_US)
    lines = [line.rstrip(b"\n") for body in bodies for line in body.lines[1:]]
    assert all(accept_event(line) is not None for line in lines)
    assert 1_000 < statistics.mean(map(len, lines)) < 2_000


def test_the_same_seed_makes_the_same() -> None:
    group = PROFILES["backend"].groups[0]
    assert make_bodies(group, 7, NOW_US)[0].lines == make_bodies(group, 7, NOW_US)[0].lines
    assert make_bodies(group, 7, NOW_US)[0].lines != make_bodies(group, 8, NOW_US)[0].lines


def test_so_many_events_as_asked_for() -> None:
    assert {body.events for body in make_bodies(PROFILES["backend"].groups[0], 1, NOW_US, events=3)} == {3}


@pytest.mark.parametrize(("connections", "together"), [(40, 40), (1, 3), (3, 3), (7, 7)])
def test_every_group_has_a_client(connections: int, together: int) -> None:
    numbers = shares(PROFILES["siege"].groups, connections)
    assert min(numbers) >= 1 and sum(numbers) == together
